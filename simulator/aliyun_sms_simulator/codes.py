"""Aliyun's error codes that the simulator can answer, with their HTTP status and message.

The codes are Aliyun's. A message is Aliyun's own if a public thread quotes it. Otherwise it is in our own words.
"""

from dataclasses import dataclass, field

__all__ = ["BUSINESS", "GATEWAY", "Refusal", "refusal"]


@dataclass(eq=False)
class Refusal(Exception):
    """An answer other than OK."""

    #: Aliyun's code
    code: str
    #: Aliyun's message; may contain what the caller sent, as Aliyun's own may
    message: str = field(repr=False)
    #: HTTP status: 200 for business codes, 4xx and 5xx for the gateway's
    status: int = 200

    def __str__(self) -> str:
        """Return only the code, because the message may contain a number."""
        return self.code


#: The gateway's codes: HTTP status and message. Their answers carry HostId and Recommend.
GATEWAY: dict[str, tuple[int, str]] = {
    "Throttling": (400, "Request was denied due to request throttling."),
    "Throttling.User": (400, "Request was denied due to user flow control."),
    "Throttling.Api": (400, "Request was denied due to api flow control."),
    "SignatureDoesNotMatch": (400, "Specified signature is not matched with our calculation."),
    "IncompleteSignature": (400, "The request signature does not conform to Aliyun standards."),
    "InvalidSignatureMethod": (400, "Specified signature method is not valid."),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "InvalidTimeStamp.Format": (400, "Specified time stamp or date value is not well formatted."),
    "InvalidAccessKeyId.NotFound": (404, "Specified access key is not found."),
    "InvalidAccessKeyId.Inactive": (400, "Specified access key is disabled."),
    "InvalidSecurityToken": (400, "Specified security token is not valid."),
    "InvalidSecurityToken.Expired": (400, "Specified SecurityToken is expired."),
    "InvalidSecurityToken.MismatchWithAccessKey": (
        400,
        "Specified SecurityToken mismatch with the AccessKey.",
    ),
    "InvalidParameter.RoleArn": (400, "The parameter RoleArn is wrongly formed."),
    "InvalidParameter.RoleSessionName": (400, "The parameter RoleSessionName is wrongly formed."),
    "InvalidParameter.DurationSeconds": (400, "The Min/Max value of DurationSeconds is 15min/12hours."),
    "EntityNotExist.Role": (404, "The role does not exist."),
    "MissingAccessKeyId": (400, "AccessKeyId is mandatory for this action."),
    "InvalidParameter.Format": (400, "A parameter is not well formatted."),
    "UnsupportedHTTPMethod": (400, "This http method is not supported."),
    "InvalidApi.NotFound": (404, "Specified api is not found, please check your url and method."),
    "InvalidVersion": (404, "Specified parameter Version is not valid."),
    "InvalidAction.NotFound": (404, "Specified action is not found."),
    "Forbidden.RAM": (403, "User not authorized to operate on the specified resource."),
    "NoPermission": (403, "You are not authorized to do this action."),
    "InternalError": (500, "The request processing has failed due to some unknown error."),
    "UnknownError": (500, "The request processing has failed due to some unknown error."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server."),
}

#: The body codes of SendSms, SendBatchSms, SendSmsVerifyCode and QuerySendDetails, all with HTTP status 200, and their messages.
BUSINESS: dict[str, str] = {
    "isp.SYSTEM_ERROR": "系统出现错误，请重新调用",
    "isp.GATEWAY_ERROR": "调用发送应用模块失败",
    "isp.RAM_PERMISSION_DENY": "RAM权限DENY",
    "isv.BUSINESS_LIMIT_CONTROL": "触发分钟级流控Permits:1",
    "isv.DAY_LIMIT_CONTROL": "触发日发送限额",
    "isv.MONTH_LIMIT_CONTROL": "触发月发送限额",
    "isv.OUT_OF_SERVICE": "业务停机",
    "isv.AMOUNT_NOT_ENOUGH": "账户余额不足",
    "isv.ACCOUNT_NOT_EXISTS": "账户不存在",
    "isv.ACCOUNT_ABNORMAL": "账户异常",
    "isv.SECURITY_FROZEN_ACCOUNT": "账号因长时间未使用被冻结",
    "isv.PRODUCT_UN_SUBSCRIPT": "未开通云通信产品的阿里云客户",
    "isv.PRODUCT_UNSUBSCRIBE": "产品未开通",
    "isv.DENY_IP_RANGE": "源IP地址所在的地区被禁用",
    "isv.SMS_SIGNATURE_ILLEGAL": "签名不合法(不存在或被拉黑)",
    "isv.SMS_SIGN_ILLEGAL": "签名禁止使用",
    "isv.SIGN_STATE_ILLEGAL": "签名状态不可用",
    "isv.SMS_SIGN_NAME_ILLEGAL": "签名名称不合法",
    "isv.SIGN_NAME_ILLEGAL": "签名名称不符合规范",
    "isv.SMS_SIGN_EMOJI_ILLEGAL": "签名不能包含表情符号",
    "isv.SIGN_SOURCE_ILLEGAL": "签名来源不合法",
    "isv.SIGNATURE_BLACKLIST": "签名在黑名单中",
    "SIGNATURE_BLACKLIST": "签名在黑名单中",
    "SignatureNotFound": "签名不存在",
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL": "签名的适用场景与短信类型不匹配",
    "PORT_NOT_REGISTERED": "签名的运营商实名报备未完成",
    "isv.SMS_TEMPLATE_ILLEGAL": "模板不合法(不存在或被拉黑)",
    "TemplateNotFound": "模板不存在",
    "isv.TEMPLATE_MISSING_PARAMETERS": "模板变量缺少对应参数值",
    "isv.TEMPLATE_PARAMS_ILLEGAL": "传入的变量内容与变量属性不匹配",
    "template_parameter_count_illegal": "验证码模板仅支持一个变量",
    "isv.INVALID_JSON_PARAM": "JSON参数不合法，只接受字符串值",
    "isv.INVALID_PARAMETERS": "参数格式不正确",
    "PARAMS_ILLEGAL": "参数错误",
    "isv.PARAM_LENGTH_LIMIT": "参数超过长度限制",
    "isv.PARAM_NOT_SUPPORT_URL": "变量不支持传入链接",
    "isv.SMS_CONTENT_ILLEGAL": "短信内容包含禁止发送内容",
    "isv.UNSUPPORTED_CONTENT": "内容包含不支持的字符",
    "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE": "短信内容和模板类型不匹配",
    "isv.MOBILE_NUMBER_ILLEGAL": "手机号码格式错误",
    "isv.MOBILE_COUNT_OVER_LIMIT": "手机号码数量超过限制",
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": "国际/港澳台消息模板不支持发送境内号码",
    "isv.BLACK_KEY_CONTROL_LIMIT": "黑名单管控",
    "isv.CUSTOMER_REFUSED": "用户已退订推广短信",
    "isv.EXTEND_CODE_ERROR": "扩展码使用错误，相同的扩展码不可用于多个签名",
    "isv.ONE_CODE_MULTIPLE_SIGN": "一码多签",
    "isv.CODE_EXCEED_LIMIT": "扩展码超过限制",
    "isv.CODE_ERROR": "传入扩展码不可用",
    "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT": "测试模板和签名限制",
    "isv.SMS_TEST_TEMPLATE_PARAMS_ILLEGAL": "测试专用模板的变量仅支持4-6位纯数字",
    "isv.SMS_TEST_NUMBER_LIMIT": "只能向已绑定的测试号码发送",
    "biz.FREQUENCY": "check frequency failed",
    "isv.RAM_PERMISSION_DENY": "RAM权限DENY",
    "isv.VERIFY_SCHEME_NOT_EXIST": "认证方案不存在",
}


def refusal(code: str, message: str | None = None) -> Refusal:
    """Return the refusal for a code. A code that is in neither table becomes a business code.

    Args:
        code: Aliyun's code.
        message: replaces the table's message.
    """
    status, usual = GATEWAY.get(code) or (200, BUSINESS.get(code, code))
    if code.startswith("Missing") and code not in GATEWAY:
        status, usual = 400, f"{code.removeprefix('Missing')} is mandatory for this action."
    return Refusal(code, usual if message is None else message, status)
