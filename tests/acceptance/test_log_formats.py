"""A worker's whole log, in both of its formats."""

import json
from datetime import datetime

from smsjobs import SmsError
from support.stage import TEMPLATE, Stage, new_phone, outcome

CODE = "837261"


def run(own: Stage, log: str) -> tuple[str, dict[str, SmsError], list[str]]:
    """All that a worker writes from its start to its end; the ends of its jobs; and the numbers of the jobs."""
    own.write("BadKey", accessKey="nobody")
    own.write("Away", endpoint="http://127.0.0.1:9")
    phones = {name: new_phone() for name in ("Example", "BadKey", "Away", "Nowhere", "lost", "refused")}
    own.simulator.fault("hang_after", phone=phones["lost"])
    own.simulator.fault("code", code="isv.MOBILE_NUMBER_ILLEGAL", phone=phones["refused"])
    with own.worker(SMS_LOG=log) as worker:
        jobs = {
            name: own.sms.getElement(
                f"SMS.{name if name.istitle() or name == 'BadKey' else 'Example'}"
            ).sendMessage(
                phoneList=[phone],
                params={"code": CODE},
                verifyTemplateCode=TEMPLATE,
                lane="verification",
                expires=3 if name == "Away" else 60,
            )
            for name, phone in phones.items()
        }
        own.celery.send_task("somebody.elses", args=tuple(phones.values()), queue="sms.bulk")
        own.celery.send_task("smsjobs.send", args=(phones["lost"], CODE), queue="sms.bulk")
        with own.client() as client:
            client.lpush("sms.bulk", f"this is not a message {CODE}")
        ends = {name: outcome(job) for name, job in jobs.items()}
        for job in jobs.values():
            own.stored(job)
        worker.wait_for_log("message_refused")
        worker.wait_for_log("no_message")
        worker.stop()
        return worker.log(), ends, list(phones.values())


def test_json_log(own: Stage) -> None:
    """With SMS_LOG=json each line is an object, Celery's own included, from the start to the end of a worker."""
    log, ends, phones = run(own, "json")
    lines = [json.loads(line) for line in log.splitlines()]
    for line in lines:
        assert datetime.fromisoformat(line["time"]).utcoffset() is not None
        assert {type(line[name]) for name in ("level", "logger", "message")} == {str}
    assert {"celery.apps.worker", "smsjobs.sending", "smsjobs.process"} <= {each["logger"] for each in lines}
    assert not [each for each in (*phones, CODE) if each in log]

    settled = {each["job_id"]: each for each in lines if each.get("action") == "settled"}
    shown = {
        name: tuple(
            settled[end.out_id].get(key) for key in ("level", "outcome", "reason", "aliyun_code", "element")
        )
        for name, end in ends.items()
    }
    # Which of the two it is tells whether the last try was before the end of its life or after.
    away = ends["Away"].reason
    assert away in ("connect_failed", "expired")
    assert shown == {
        "Example": ("INFO", "accepted", "response", "OK", "SMS.Example"),
        "lost": ("INFO", "accepted", "lookup", "OK", "SMS.Example"),
        "refused": ("INFO", "rejected", "number", "isv.MOBILE_NUMBER_ILLEGAL", "SMS.Example"),
        "BadKey": ("ERROR", "rejected", "credentials", "InvalidAccessKeyId.NotFound", "SMS.BadKey"),
        "Away": ("WARNING", "not_sent", away, None, "SMS.Away"),
        "Nowhere": ("ERROR", "rejected", "element_not_found", None, "SMS.Nowhere"),
    }
    for each in settled.values():
        assert each["lane"] == "verification"
        assert each["attempts"] >= (each["reason"] != "element_not_found")
        assert 0 <= each["seconds"] < 60
    waits = {
        each["job_id"]: (each["state"], each["reason"]) for each in lines if each.get("action") == "waits"
    }
    assert waits[ends["Away"].out_id] == ("queued", "connect_failed")
    assert waits[ends["lost"].out_id] == ("looking_up", "no_answer")


def test_text_log(own: Stage) -> None:
    """Without it each line of ours is Celery's, with the same fields behind."""
    log, ends, phones = run(own, "text")
    ours = [line for line in log.splitlines() if f"job_id={ends['BadKey'].out_id}" in line]
    assert len(ours) == 1
    assert "ERROR/MainProcess] a job is settled" in ours[0]
    for field in (
        "action=settled",
        "outcome=rejected",
        "reason=credentials",
        "element=SMS.BadKey",
        "attempts=1",
    ):
        assert f" {field}" in ours[0]
    assert not [each for each in (*phones, CODE) if each in log]
