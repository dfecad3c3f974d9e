"""Who may read figures."""

import pytest
from starlette.datastructures import Headers

from smsjobs.metrics import Guard, read_metrics_token
from smsjobs.settings import SettingsError

TOKEN = "a-token-of-the-tests"


@pytest.mark.parametrize(
    ("host", "token", "headers", "status"),
    [
        pytest.param("127.0.0.1", None, {"Host": "127.0.0.1:9500"}, 200, id="this machine"),
        pytest.param("::1", None, {"Host": "[::1]:9500"}, 200, id="this machine by IPv6"),
        pytest.param("127.0.0.1", None, {"Host": "LOCALHOST"}, 200, id="by its name"),
        pytest.param("127.0.0.1", None, {"Host": "evil.example.com"}, 404, id="a name turned to here"),
        pytest.param(
            "127.0.0.1", None, {"Host": "127.0.0.1.example.com"}, 404, id="a name that looks like it"
        ),
        pytest.param("127.0.0.1", None, {}, 404, id="no name"),
        pytest.param(
            "127.0.0.1", None, {"Host": "localhost", "X-Forwarded-For": "192.0.2.1"}, 404, id="by a proxy"
        ),
        pytest.param("0.0.0.0", None, {"Host": "127.0.0.1"}, 404, id="an open port without a token"),
        pytest.param("0.0.0.0", TOKEN, {"Authorization": f"Bearer {TOKEN}"}, 200, id="the token"),
        pytest.param("0.0.0.0", TOKEN, {"Authorization": f"Bearer {TOKEN}x"}, 401, id="another token"),
        pytest.param("0.0.0.0", TOKEN, {"Authorization": TOKEN}, 401, id="not as a bearer's"),
        pytest.param("0.0.0.0", TOKEN, {"Authorization": "Bearer ÿ"}, 401, id="no ASCII"),
        pytest.param("127.0.0.1", TOKEN, {"Host": "127.0.0.1"}, 401, id="the token counts here, too"),
    ],
)
def test_status(host: str, token: str | None, headers: dict[str, str], status: int) -> None:
    """Without a token only this machine is answered; with one, whoever has it and nobody else."""
    guard = Guard(host=host, token=token)
    assert guard.status(Headers(headers)) == status
    assert TOKEN not in repr(guard)


def test_token() -> None:
    """A token is read without white space; one that is short or cannot be sent is refused without being shown."""
    assert read_metrics_token({"SMS_METRICS_TOKEN": f" {TOKEN}\n"}) == TOKEN
    assert read_metrics_token({}) is None
    for wrong in ("short", "a token with blanks in it", "ÿ" * 20):
        with pytest.raises(SettingsError, match="16 to 200") as refused:
            read_metrics_token({"SMS_METRICS_TOKEN": wrong})
        assert wrong not in str(refused.value)
