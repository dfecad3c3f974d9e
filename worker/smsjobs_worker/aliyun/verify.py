"""Aliyun's verification product (Dypnsapi): codes under a signature and with templates that Aliyun gives.

The code is our own, as with any other account: it travels as a value of the template. So one live code, the limits and the
look-up are those of `AliyunSms`. Source: Aliyun's page of SendSmsVerifyCode (help.aliyun.com/zh/pnvs).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from alibabacloud_dypnsapi20170525 import models
from alibabacloud_dypnsapi20170525.client import Client

from smsjobs.contract import InvalidArguments, Message, is_mainland
from smsjobs_worker.aliyun.account import Account, Endpoint, Fault, read_account
from smsjobs_worker.aliyun.client import PAGE_SIZE, AliyunSms, read_rows
from smsjobs_worker.aliyun.scrub import contents
from smsjobs_worker.provider import Provider

__all__ = ["AliyunVerify", "read_verify_account"]

_ENDPOINT: Final = Endpoint(host="dypnsapi.aliyuncs.com")

#: Most characters of a scheme's name, Aliyun's most.
_LONGEST_SCHEME: Final = 20

#: Seconds between two codes to one number, the least that Aliyun counts. Ours are counted before, by
#: `element.verification`; Aliyun's own 60 would refuse a second purpose within a minute.
_INTERVAL_S: Final = 1


def read_verify_account(settings: Mapping[str, Any]) -> tuple[Account | None, list[Fault]]:
    """The account of those settings, or None if it cannot work; and all that is wrong with them."""
    others = {key: value for key, value in settings.items() if key != "schemeName"}
    account, faults = read_account(others, endpoint=_ENDPOINT)
    scheme = settings.get("schemeName")
    if scheme is None:
        return account, faults
    if not isinstance(scheme, str) or not 0 < len(scheme.strip()) <= _LONGEST_SCHEME:
        cause = f"not text of 1 to {_LONGEST_SCHEME} characters"
        hint = "copy the name from the console, or leave the key out"
        return None, [*faults, Fault(key="schemeName", cause=cause, hint=hint)]
    return account and replace(account, scheme=scheme.strip()), faults


class AliyunVerify(AliyunSms):
    """Sends codes with one account of the verification product. Threads may share it."""

    sends_batches = False
    # Its templates are given, and no action tells of them. A group asks each member.
    knows_templates = False
    template = Provider.template
    templates = Provider.templates
    sdk = Client
    rights = ("dypns:SendSmsVerifyCode", "dypns:QuerySendDetails")
    message_types = ("DypnsSmsVerifyReport",)

    def send(self, message: Message, *, out_id: str, connect_within_s: float | None = None) -> dict[str, Any]:
        """Make exactly one request. It is `AliyunSms.send` for one number of the mainland.

        Raises:
            InvalidArguments: There are several numbers, or one that is not of the mainland. Nothing was sent.
        """
        if len(message.phones) != 1 or message.params_of_each:
            raise InvalidArguments(
                "the element's type sends a code to one number, and no campaigns", reason="element_invalid"
            )
        [phone] = message.phones
        if not is_mainland(phone):
            raise InvalidArguments.about("phoneList", "has a number that the element's type cannot send to")
        request = models.SendSmsVerifyCodeRequest(
            phone_number=phone,
            sign_name=self.account.sign,
            template_code=message.template,
            template_param=json.dumps(dict(message.params), ensure_ascii=False),
            out_id=out_id,
            scheme_name=self.account.scheme,
            interval=_INTERVAL_S,
            # Nothing may send the message again that does not look it up before.
            auto_retry=0,
        )
        body = self._ask(
            Client.send_sms_verify_code_with_options,
            request,
            content=contents(message),
            connect_within_s=connect_within_s,
        )
        # Without the model's VerifyCode.
        model = body.get("Model") or {}
        found = {
            "Code": "OK",
            "Message": body.get("Message"),
            "BizId": model.get("BizId"),
            "RequestId": body.get("RequestId") or model.get("RequestId"),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _query_once(self, phone: str, day: date, page: int) -> tuple[int, list[Mapping[str, Any]]]:
        request = models.QuerySendDetailsRequest(
            phone_number=phone, send_date=day.strftime("%Y%m%d"), page_size=PAGE_SIZE, current_page=page
        )
        body = self._ask(Client.query_send_details_with_options, request, content=(phone,))
        return read_rows(body, body.get("Model"))
