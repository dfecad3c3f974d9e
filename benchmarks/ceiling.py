"""What the simulator alone can do: it gets requests that were signed beforehand, over kept connections."""

from __future__ import annotations

import hashlib
import socket
import time
import uuid
from datetime import UTC, datetime
from urllib.parse import urlsplit

from aliyun_sms_simulator.signature import ALGORITHM, canonical_query, canonical_request, sign
from benchmarks.stage import ACCESS_KEY, ACCESS_SECRET, PARAMS_JSON, SIGN, TEMPLATE, Stage, phones

__all__ = ["simulator_ceiling"]

_CONNECTIONS = 32


def simulator_ceiling(stage: Stage, *, count: int) -> float:
    """Return how many SendSms a second it accepts, at a latency of 0 ms."""
    stage.clear(latency_ms=0)
    address = urlsplit(stage.simulator_url)
    requests = [_signed(address.netloc, phone) for phone in phones(count)]
    sockets = [socket.create_connection((address.hostname, address.port)) for _ in range(_CONNECTIONS)]
    try:
        began = time.perf_counter()
        for start in range(0, count, _CONNECTIONS):
            turn = list(zip(sockets, requests[start : start + _CONNECTIONS], strict=False))
            for each, request in turn:
                each.sendall(request)
            for each, _ in turn:
                answer = each.recv(65536)
                if b'"Code":"OK"' not in answer:
                    raise RuntimeError("the simulator refused a signed request")
        return count / (time.perf_counter() - began)
    finally:
        for each in sockets:
            each.close()


def _signed(host: str, phone: str) -> bytes:
    query = [
        ("PhoneNumbers", phone),
        ("SignName", SIGN),
        ("TemplateCode", TEMPLATE),
        ("TemplateParam", PARAMS_JSON),
        ("OutId", uuid.uuid4().hex),
    ]
    nothing = hashlib.sha256(b"").hexdigest()
    headers = {
        "host": host,
        "x-acs-action": "SendSms",
        "x-acs-version": "2017-05-25",
        "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": uuid.uuid4().hex,
        "x-acs-content-sha256": nothing,
    }
    canonical = canonical_request(
        method="POST", path="/", query=query, headers=headers, signed_headers=headers, payload_sha256=nothing
    )
    names = ";".join(sorted(headers))
    headers["authorization"] = (
        f"{ALGORITHM} Credential={ACCESS_KEY},SignedHeaders={names},Signature={sign(ACCESS_SECRET, canonical)}"
    )
    lines = [
        f"POST /?{canonical_query(query)} HTTP/1.1",
        *(f"{key}: {value}" for key, value in headers.items()),
    ]
    return "\r\n".join([*lines, "content-length: 0", "", ""]).encode()
