"""Calls of Aliyun's for which the SDK has no method of its own."""

from __future__ import annotations

from alibabacloud_tea_openapi.utils_models import Params

__all__ = ["rpc"]


def rpc(action: str, version: str) -> Params:
    """What the SDK's `call_api` is to call, in the way that all of Aliyun's older products have.

    Args:
        action: The call's name.
        version: The date of the product's version.
    """
    return Params(
        action=action,
        version=version,
        protocol="HTTPS",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
