"""The members of a result."""

from dataclasses import asdict

from smsjobs import SendResult


def test_ids_are_the_responses() -> None:
    """A result has Aliyun's two ids as members of its own, from the response where they are not given."""
    result = SendResult(out_id="job", attempts=1, response={"Code": "OK", "BizId": "1^0", "RequestId": "r"})
    assert (result.biz_id, result.request_id) == ("1^0", "r")
    assert asdict(result)["biz_id"] == "1^0"
    looked_up = SendResult(out_id="job", attempts=1, response={"Code": "OK"}, resolved_by="lookup")
    assert (looked_up.biz_id, looked_up.request_id) == (None, None)
