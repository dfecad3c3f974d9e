"""Templates: what their variables may contain, and the text that they make."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from aliyun_sms_simulator.codes import refusal

__all__ = [
    "KINDS",
    "VARIABLE_TYPES",
    "Kind",
    "Template",
    "check_code",
    "check_lenient",
    "check_text",
    "lenient_kind",
    "lenient_text",
]

Kind = Literal["verification", "notification", "promotional", "international"]
KINDS: tuple[str, ...] = get_args(Kind)

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_URL = re.compile(r"https?://|www\.|\b[a-z0-9-]+\.(?:com|cn|net|org|top)\b", re.IGNORECASE)
_UNSUPPORTED = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf【】『』「」〖〗①-⑳★☆※→•²³]")
_CODE = re.compile(r"SMS_\d+", re.ASCII)
#: Aliyun gives these templates with its verification product, which takes own ones too.
_GIVEN_CODE = re.compile(r"(?:SMS_)?\d+", re.ASCII)
_TEXT_LIMIT = 500

#: The types of variables: least and most characters, and a pattern that the value must match, if any.
VARIABLE_TYPES: dict[str, tuple[int, int, str | None]] = {
    "code": (4, 6, r"[A-Za-z0-9]+"),
    "phone_number2": (3, 15, r"[0-9-]+"),
    "time": (1, 35, None),
    "money": (1, 35, r"\d+(\.\d+)?"),
    "user_nick": (1, 20, None),
    "name": (2, 5, r"[\u4e00-\u9fff]+"),
    "unit_name": (1, 20, None),
    "address": (1, 30, None),
    "license_plate_number": (1, 10, None),
    "tracking_number": (8, 16, None),
    "pick_up_code": (4, 8, None),
    "other_number2": (1, 35, r"[A-Za-z0-9]+"),
    "link_param": (1, 8, r"[A-Za-z0-9]+"),
    "email_address": (7, 30, r"\S+@\S+"),
    "others": (1, 35, None),
}


def _check_content(value: str) -> None:
    if _URL.search(value):
        raise refusal("isv.PARAM_NOT_SUPPORT_URL")
    if not value.isascii() and _UNSUPPORTED.search(value):
        raise refusal("isv.UNSUPPORTED_CONTENT")


def _check_value(value: str, kind: str) -> None:
    least, most, pattern = VARIABLE_TYPES[kind]
    if not least <= len(value) <= most:
        raise refusal("isv.PARAM_LENGTH_LIMIT")
    if pattern and not re.fullmatch(pattern, value):
        raise refusal("isv.TEMPLATE_PARAMS_ILLEGAL")
    _check_content(value)


@dataclass(frozen=True, kw_only=True)
class Template:
    """An approved template, as a catalogue file lists it."""

    #: ``SMS_`` and digits, or digits alone where Aliyun gives it with its verification product
    code: str
    #: with variables written ``${name}``
    content: str
    kind: Kind = "notification"
    #: False: Aliyun knows it but has not approved it, so every send is refused
    approved: bool = True
    #: variable name to one of VARIABLE_TYPES; the default is ``code`` in a verification template, except of its ``min``,
    #: else ``others``
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The variables, in the order of the text."""
        return tuple(dict.fromkeys(_VARIABLE.findall(self.content)))

    @property
    def types(self) -> dict[str, str]:
        """The type of each variable, as Aliyun calls it."""
        usual = "characterWithNumber2" if self.kind == "verification" else "others"
        given = {name: self.variables.get(name, usual) for name in self.names}
        return {name: "characterWithNumber2" if kind == "code" else kind for name, kind in given.items()}

    def check(self, params: Mapping[str, str]) -> None:
        """Check parameters against the variables. Parameters that the template does not use are ignored.

        Raises:
            Refusal: as Aliyun would answer.
        """
        names = self.names
        if self.kind == "verification" and len(names) > 1 and self.code.startswith("SMS_"):
            raise refusal("template_parameter_count_illegal")
        if any(name not in params for name in names):
            raise refusal("isv.TEMPLATE_MISSING_PARAMETERS")
        for name in names:
            usual = "code" if self.kind == "verification" and name != "min" else "others"
            _check_value(params[name], self.variables.get(name, usual))

    def text(self, sign_name: str, params: Mapping[str, str]) -> str:
        """Return the message a phone would show."""
        return f"【{sign_name}】" + _VARIABLE.sub(lambda found: params.get(found[1], found[0]), self.content)


def check_code(code: str, *, given: bool = False) -> None:
    """Check that a template code is ``SMS_`` and digits.

    Args:
        given: digits alone are good too, as with SendSmsVerifyCode.

    Raises:
        Refusal: it is not.
    """
    if not (_GIVEN_CODE if given else _CODE).fullmatch(code):
        raise refusal("isv.SMS_TEMPLATE_ILLEGAL")


def check_lenient(params: Mapping[str, str]) -> None:
    """Check parameters of an undescribed template: 1 to 35 characters each, and nothing that no variable may contain.

    Raises:
        Refusal: as Aliyun would answer.
    """
    for value in params.values():
        _check_value(value, "others")


def check_text(text: str) -> None:
    """Check the length of signature and content together.

    Raises:
        Refusal: it has more than 500 characters.
    """
    if len(text) > _TEXT_LIMIT:
        raise refusal("isv.SMS_CONTENT_ILLEGAL")


def lenient_kind(params: Mapping[str, str]) -> Kind:
    """Guess the kind of an undescribed template: with ``code`` as its only parameter it is a verification code."""
    return "verification" if params.keys() == {"code"} else "notification"


def lenient_text(code: str, sign_name: str, params: Mapping[str, str]) -> str:
    """Return a placeholder for the text of an undescribed template."""
    values = "，".join(f"{name}={value}" for name, value in params.items())
    return f"【{sign_name}】{code}" + (f"（{values}）" if values else "")
