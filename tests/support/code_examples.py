"""The example applications of verification codes, loaded as a server would, each behind the same few calls."""

import base64
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from itsdangerous import TimestampSigner

FRAMEWORKS = ("fastapi", "django", "flask")

CLIENT = "203.0.113.7"


class Answer(NamedTuple):
    """What the browser gets."""

    status: int
    body: dict[str, Any]
    retry_after: str | None


class Browser:
    """A browser with its cookies, at one of the examples."""

    def __init__(self, framework: str) -> None:
        self._framework = framework
        self.module = _load(framework)
        self.comes_from(CLIENT)

    def comes_from(self, address: str | None) -> None:
        """From now on, with no cookies, from that address; None: through a Unix socket, which has none."""
        self._client = _CLIENTS[self._framework](self.module, address)

    def page(self) -> str:
        """The text of the only page."""
        answer = self._client.get("/")
        if hasattr(answer, "streaming_content"):
            return b"".join(answer.streaming_content).decode()
        return str(answer.text)

    def session(self) -> dict[str, Any]:
        """What the cookie holds."""
        if self._framework == "flask":
            with self._client.session_transaction() as session:
                return dict(session)
        if self._framework == "django":
            return dict(self._client.session.items())
        signed = self._client.cookies.get("session")
        return json.loads(base64.b64decode(signed.split(".")[0])) if signed else {}

    def visited_before(self) -> None:
        """The cookie that the browser has holds something already."""
        if self._framework == "flask":
            with self._client.session_transaction() as session:
                session["before"] = "x"
        elif self._framework == "django":
            kept = self._client.session
            kept["before"] = "x"
            kept.save()
            self._client.cookies["sessionid"] = kept.session_key
        else:
            given = [each.kwargs for each in self.module.app.user_middleware]
            secret = next(each["secret_key"] for each in given if "secret_key" in each)
            text = base64.b64encode(json.dumps({"before": "x"}).encode())
            self._client.cookies.set(
                "session", TimestampSigner(secret).sign(text).decode(), domain="testserver.local"
            )

    def post(self, path: str, **body: Any) -> Answer:
        """Send a form's JSON."""
        return self.post_text(path, json.dumps(body))

    def post_text(self, path: str, text: str, kind: str = "application/json") -> Answer:
        """Send a body that claims to be of that kind."""
        if self._framework == "fastapi":
            given: dict[str, Any] = {"content": text, "headers": {"Content-Type": kind}}
        else:
            given = {"data": text, "content_type": kind}
        answer = self._client.post(path, **given)
        told = answer.content if hasattr(answer, "content") else answer.data
        return Answer(answer.status_code, json.loads(told), answer.headers.get("Retry-After"))


def _load(framework: str) -> ModuleType:
    name = f"verification_{framework}_example"
    file = Path(__file__).parents[2] / "examples" / f"verification_{framework}" / "app.py"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # Django looks for its views by the module's name.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# Behind a Unix socket ASGI names no client at all, WSGI an empty one.


def _fastapi(module: ModuleType, address: str | None) -> Any:
    from fastapi.testclient import TestClient

    return TestClient(module.app, client=address and (address, 50000))


def _flask(module: ModuleType, address: str | None) -> Any:
    client = module.app.test_client()
    client.environ_base["REMOTE_ADDR"] = address or ""
    return client


def _django(module: ModuleType, address: str | None) -> Any:
    from django.test import Client
    from django.urls import clear_url_caches

    clear_url_caches()
    return Client(REMOTE_ADDR=address or "")


_CLIENTS = {"fastapi": _fastapi, "flask": _flask, "django": _django}
