"""The service behind the gateway: one call in, one answer out, no I/O."""

import json
import math
import uuid
from dataclasses import dataclass
from typing import Any

from aliyun_sms_simulator.codes import Refusal, refusal
from aliyun_sms_simulator.fault import Fault
from aliyun_sms_simulator.gateway import DYPNS, DYSMS, Call
from aliyun_sms_simulator.lookup import query_send_details, query_verify_details
from aliyun_sms_simulator.management import ABOUT
from aliyun_sms_simulator.mns import QUEUE_ACTIONS, perform_on_queue, refusal_xml
from aliyun_sms_simulator.record import Acceptance, Receipt, Received
from aliyun_sms_simulator.sending import send_batch_sms, send_sms, send_sms_verify_code
from aliyun_sms_simulator.temporary import assume_role, caller_identity
from aliyun_sms_simulator.world import World

__all__ = ["METADATA_ACTION", "Answer", "handle", "queue_refusal_answer", "refusal_answer", "swallow"]

#: every request to the metadata service, in records and faults
METADATA_ACTION = "InstanceMetadata"

_OF_STS = ("AssumeRole", "GetCallerIdentity")
_SENDS = {"SendSms": send_sms, "SendBatchSms": send_batch_sms}

#: an empty page of each product's QuerySendDetails
_NO_ROWS: dict[str, dict[str, Any]] = {
    DYSMS: {"SmsSendDetailDTOs": {"SmsSendDetailDTO": []}},
    DYPNS: {"Model": []},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer that is sent back, unless a fault suppresses it."""

    status: int
    request_id: str
    body: bytes
    #: milliseconds for the header x-acs-retry-after, if any
    retry_after_ms: int | None = None
    content_type: str = "application/json;charset=utf-8"
    #: the header that has the request's id
    id_header: str = "x-acs-request-id"


def handle(world: World, call: Call, fault: Fault | None = None) -> Answer:
    """Handle a call and keep it in the record.

    Args:
        world: the state.
        call: has passed the gateway.
        fault: the fault that the request meets. Only its effects on the answer and the record happen here.
    """
    kind = fault.kind if fault else None
    if call.action in QUEUE_ACTIONS.values():
        return _handle_on_queue(world, call, fault)
    if call.action == METADATA_ACTION:
        return _answer_metadata(world, call, fault)
    acceptance: Acceptance | None = None
    try:
        if fault and kind == "code" and not fault.accept:
            raise _ordered(fault)
        acceptance, fields = _perform(world, call)
        _mark(world, acceptance, fault)
        if fault and kind == "code":
            raise _ordered(fault)
        if kind == "empty_page":
            fields = {**fields, **_NO_ROWS[call.product]}
    except Refusal as refused:
        _keep(world, call, refused.code, kind, message=refused.message, acceptance=acceptance)
        return refusal_answer(refused)
    _keep(world, call, "OK", kind, acceptance=acceptance)
    request_id = _request_id()
    return Answer(
        status=200,
        request_id=request_id,
        # STS has no code where all is well.
        body=_json(
            fields | {"RequestId": request_id}
            if call.action in _OF_STS
            else {"Code": "OK", "Message": "OK", "RequestId": request_id, **fields}
        ),
    )


def swallow(world: World, call: Call, fault: Fault, code: str = "") -> None:
    """Record that a call arrived and met a fault before it was handled."""
    _keep(world, call, code, fault.kind)


def refusal_answer(answer: Refusal, retry_after_ms: int | None = None) -> Answer:
    """Turn a refusal into an answer: in the service's form with status 200, in the gateway's form with any other."""
    request_id = _request_id()
    body = {"Code": answer.code, "Message": answer.message, "RequestId": request_id}
    if answer.status != 200:
        body |= {
            "HostId": "dysmsapi.aliyuncs.com",
            "Recommend": f"https://api.aliyun.com/troubleshoot?q={answer.code}&product=Dysmsapi",
        }
    return Answer(
        status=answer.status, request_id=request_id, body=_json(body), retry_after_ms=retry_after_ms
    )


def queue_refusal_answer(refused: Refusal) -> Answer:
    """Turn a refusal into an answer of a queue."""
    request_id = _request_id()
    status = refused.status if refused.status >= 400 else 403
    return _of_queue(status, request_id, refusal_xml(refused, request_id))


def _of_queue(status: int, request_id: str, body: bytes) -> Answer:
    return Answer(
        status=status,
        request_id=request_id,
        body=body,
        content_type="text/xml;charset=utf-8",
        id_header="x-mns-request-id",
    )


def _handle_on_queue(world: World, call: Call, fault: Fault | None) -> Answer:
    kind = fault.kind if fault else None
    try:
        if fault and kind == "code":
            raise _ordered(fault)
        status, body = perform_on_queue(world, call)
    except Refusal as refused:
        _keep(world, call, refused.code, kind)
        return queue_refusal_answer(refused)
    _keep(world, call, "OK", kind)
    return _of_queue(status, _request_id(), body)


def _answer_metadata(world: World, call: Call, fault: Fault | None) -> Answer:
    kind, settings = fault.kind if fault else None, world.settings
    if fault and kind == "code":
        _keep(world, call, fault.code or "", kind)
        return refusal_answer(_ordered(fault))
    status, body = world.metadata.answer(
        call.params["method"],
        call.params["path"],
        call.params,
        role=settings.instance_role,
        keys=world.temporary,
        account=next(iter(world.catalogue.accounts)),
        now_s=world.gateway_now_s(),
        for_s=settings.token_s,
    )
    _keep(world, call, "OK" if status == 200 else str(status), kind)
    raw = _json(body) if isinstance(body, dict) else body.encode()
    return Answer(status=status, request_id=_request_id(), body=raw, content_type="text/plain")


def _of_sts(world: World, call: Call) -> dict[str, Any]:
    if call.action == "GetCallerIdentity":
        return caller_identity(call.arn)
    return assume_role(
        world.catalogue,
        world.temporary,
        call.params,
        account=call.account,
        now_s=world.gateway_now_s(),
        for_s=world.settings.token_s,
    )


def _token(world: World, call: Call) -> dict[str, Any]:
    queue = call.params.get("QueueName", "")
    if world.queue_names().get(queue) != call.params.get("MessageType"):
        raise refusal("isv.INVALID_PARAMETERS", "no such queue")
    token = world.queues.token(queue, now_s=world.clock.now(), for_s=world.settings.queue_token_s)
    return {"MessageTokenDTO": token.to_json()}


def _perform(world: World, call: Call) -> tuple[Acceptance | None, dict[str, Any]]:
    if call.product == DYPNS:
        return _perform_for_codes(world, call)
    if send := _SENDS.get(call.action):
        acceptance = send(world, call)
        return acceptance, {"BizId": acceptance.biz_id}
    if call.action == "QuerySendDetails":
        return None, query_send_details(world, call)
    if call.action == "QueryTokenForMnsQueue":
        return None, _token(world, call)
    if tell := ABOUT.get(call.action):
        return None, tell(world, call)
    if call.action in _OF_STS:
        return None, _of_sts(world, call)
    raise refusal("InvalidAction.NotFound")


def _perform_for_codes(world: World, call: Call) -> tuple[Acceptance | None, dict[str, Any]]:
    if call.action == "SendSmsVerifyCode":
        acceptance = send_sms_verify_code(world, call)
        return acceptance, {
            "Success": True,
            "Model": {"BizId": acceptance.biz_id, "OutId": acceptance.out_id},
        }
    if call.action == "QuerySendDetails":
        return None, {"Success": True, **query_verify_details(world, call)}
    raise refusal("InvalidAction.NotFound")


def _mark(world: World, acceptance: Acceptance | None, fault: Fault | None) -> None:
    """Note what the carrier will report, and have it pushed then."""
    if acceptance is None:
        return
    if world.settings.receipts_by_hand:
        acceptance.receipt = Receipt(code=None)
    for phone in acceptance.phones:
        for standing in world.faults.standing(phone):
            if standing.kind == "receipt":
                acceptance.receipts[phone] = _receipt(standing)
    if fault and fault.kind == "lookup_lag":
        acceptance.lookup_lag_s = math.inf if fault.seconds is None else fault.seconds
    elif fault and fault.kind == "receipt":
        ordered = dict.fromkeys([fault.phone] if fault.phone else acceptance.phones, _receipt(fault))
        acceptance.receipts.update(ordered)
    world.push_receipts(acceptance)


def _receipt(fault: Fault) -> Receipt:
    return Receipt(code=fault.code, delay_s=fault.seconds, copies=fault.copies)


def _ordered(fault: Fault) -> Refusal:
    return refusal(fault.code or "isp.SYSTEM_ERROR", fault.message)


def _keep(
    world: World,
    call: Call,
    code: str,
    fault: str | None,
    *,
    message: str = "",
    acceptance: Acceptance | None = None,
) -> None:
    world.record.receive(
        Received(
            action=call.action,
            out_id=call.out_id,
            phones=call.phones,
            code=code,
            fault=fault,
            accepted=acceptance is not None,
            at_s=world.clock.now(),
        )
    )
    if call.action in (*_SENDS, "SendSmsVerifyCode"):
        _show(world, call, code, fault, message, acceptance)


def _show(
    world: World, call: Call, code: str, fault: str | None, message: str, acceptance: Acceptance | None
) -> None:
    """Put what became of a request into the inbox of each phone."""
    usual = {
        "at_s": world.clock.now(),
        "out_id": call.out_id,
        "template_code": call.params.get("TemplateCode", ""),
        "code": code,
        "message": message,
        "fault": fault,
    }
    if acceptance is None:
        for phone in dict.fromkeys(call.phones):
            world.inbox.add(kind="refused", phone=phone, sign_name=call.params.get("SignName", ""), **usual)
        return
    shown: set[str] = set()
    for index, phone in enumerate(acceptance.phones):
        if phone in shown:
            continue
        shown.add(phone)
        sign_name, params = acceptance.sign_name(index), acceptance.params_of(index)
        world.inbox.add(
            kind="message",
            phone=phone,
            sign_name=sign_name,
            params=params,
            text=world.catalogue.known_text(acceptance.template_code, sign_name, params),
            acceptance=acceptance,
            **usual,
        )


def _request_id() -> str:
    return str(uuid.uuid4()).upper()


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
