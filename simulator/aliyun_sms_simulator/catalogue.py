"""What the simulated Aliyun knows: accounts, signatures and templates, from a JSON file or built in."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aliyun_sms_simulator.codes import refusal
from aliyun_sms_simulator.language import Wrong
from aliyun_sms_simulator.template import (
    KINDS,
    VARIABLE_TYPES,
    Kind,
    Template,
    check_code,
    check_lenient,
    check_text,
    lenient_kind,
    lenient_text,
)

__all__ = ["Account", "Catalogue", "CatalogueError", "Role", "Signature"]


#: the carriers that file signatures, in Aliyun's words
CARRIERS = ("mobile", "unicom", "telecom")

_FILING = re.compile(r"(-2|-1|0|1|2|3)( [A-Z_]+)?", re.ASCII)


class CatalogueError(Wrong):
    """A catalogue cannot be used. The message names the entry and the fix, and contains no secret."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """An access key."""

    access_key: str
    access_secret: str = field(repr=False)
    #: an STS token that every request of this key must carry, if any
    security_token: str | None = field(default=None, repr=False)
    #: False: the key is disabled
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class Signature:
    """An approved signature."""

    name: str
    #: True: for verification templates only
    verification_only: bool = False
    approved: bool = True
    #: carrier to the number of its filing's status, and after a blank its reason; a carrier that is left out has filed it
    filing: Mapping[str, str] = field(default_factory=dict)

    @property
    def filing_by_carrier(self) -> dict[str, tuple[int, str]]:
        """Status and reason of the filing with each carrier."""
        given = {carrier: self.filing.get(carrier, "3").partition(" ") for carrier in CARRIERS}
        return {carrier: (int(status), reason) for carrier, (status, _, reason) in given.items()}


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role that accounts may take on."""

    arn: str
    #: what the caller must name, if anything
    external_id: str | None = None


_DEFAULT_ACCOUNTS = (
    Account(access_key="your_access_key", access_secret="your_access_secret"),  # noqa: S106  a placeholder
    Account(access_key="demo_access_key", access_secret="demo_access_secret"),  # noqa: S106  a placeholder
)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Accounts, signatures, templates and roles.

    None is lenient: any signature is valid, or any template of the form ``SMS_<digits>``, or any role. A given list is complete:
    anything else is refused, as Aliyun refuses it. An access key must always be known, because a request's signature
    cannot be verified without its secret.
    """

    accounts: Mapping[str, Account] = field(
        default_factory=lambda: {a.access_key: a for a in _DEFAULT_ACCOUNTS}
    )
    signatures: Mapping[str, Signature] | None = None
    templates: Mapping[str, Template] | None = None
    roles: Mapping[str, Role] | None = None

    @classmethod
    def read(cls, path: str | Path) -> "Catalogue":
        """Read a catalogue file.

        Raises:
            CatalogueError: the file is missing, is not valid JSON, or an entry is wrong.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise CatalogueError(
                "{file}: {why}; name a JSON file that can be read", file=path, why=error.strerror
            ) from None
        except ValueError as error:
            # The error's text is only a position. The document itself may contain secrets.
            raise CatalogueError("{file}: not valid JSON ({why})", file=path, why=error) from None
        try:
            return cls.from_json(data)
        except CatalogueError as error:
            raise CatalogueError("{file}: {wrong}", file=path, wrong=error) from None

    @classmethod
    def from_json(cls, data: Any) -> "Catalogue":
        """Build a catalogue from the content of a catalogue file.

        Args:
            data: an object with any of ``accounts``, ``signatures``, ``templates`` and ``roles``, each a list of objects.

        Raises:
            CatalogueError: an entry is wrong.
        """
        if not isinstance(data, dict) or not data.keys() <= {"accounts", "signatures", "templates", "roles"}:
            raise CatalogueError(
                "must be an object with any of 'accounts', 'signatures', 'templates' and 'roles', and no other key"
            )
        lists = {key: _entries(data, key) for key in data}
        accounts = [_account(entry, place) for place, entry in lists.get("accounts", ())]
        return cls(
            accounts={a.access_key: a for a in accounts or _DEFAULT_ACCOUNTS},
            signatures={s.name: s for s in (_signature(e, p) for p, e in lists["signatures"])}
            if "signatures" in lists
            else None,
            templates={t.code: t for t in (_template(e, p) for p, e in lists["templates"])}
            if "templates" in lists
            else None,
            roles={r.arn: r for r in (_role(e, p) for p, e in lists["roles"])} if "roles" in lists else None,
        )

    def with_accounts(self, accounts: Mapping[str, str]) -> "Catalogue":
        """Return this catalogue with more access keys, given as key and secret."""
        more = {key: Account(access_key=key, access_secret=secret) for key, secret in accounts.items()}
        return replace(self, accounts={**self.accounts, **more})

    def check_role(self, arn: str, external_id: str | None) -> None:
        """Check that a role may be taken on.

        Raises:
            Refusal: as STS answers.
        """
        if self.roles is None:
            return
        found = self.roles.get(arn)
        if found is None:
            raise refusal("EntityNotExist.Role")
        if found.external_id is not None and found.external_id != external_id:
            raise refusal("NoPermission")

    def check_signature(self, name: str, kind: Kind) -> None:
        """Check that a signature may be used for a kind of template.

        Raises:
            Refusal: as Aliyun would answer.
        """
        if self.signatures is None:
            return
        found = self.signatures.get(name)
        if found is None:
            raise refusal("isv.SMS_SIGNATURE_ILLEGAL")
        if not found.approved:
            raise refusal("isv.SIGN_STATE_ILLEGAL")
        if found.verification_only and kind != "verification":
            raise refusal("isv.SMS_SIGNATURE_SCENE_ILLEGAL")

    def kind(self, code: str, params: Mapping[str, str], *, given: bool = False) -> Kind:
        """Return a template's kind.

        Args:
            given: a template that Aliyun gives with its verification product is good too.

        Raises:
            Refusal: the template does not exist, or is not approved.
        """
        check_code(code, given=given)
        if self.templates is None:
            return lenient_kind(params)
        found = self.templates.get(code)
        if found is None or not found.approved:
            raise refusal("isv.SMS_TEMPLATE_ILLEGAL")
        return found.kind

    def check_params(self, code: str, sign_name: str, params: Mapping[str, str]) -> None:
        """Check parameters and the text that they make.

        Raises:
            Refusal: as Aliyun would answer.
        """
        if self.templates is None:
            check_lenient(params)
        else:
            self.templates[code].check(params)
        check_text(self.text(code, sign_name, params))

    def text(self, code: str, sign_name: str, params: Mapping[str, str]) -> str:
        """Return the message a phone would show. For an undescribed template it is a placeholder with the parameters."""
        known = self.known_text(code, sign_name, params)
        return lenient_text(code, sign_name, params) if known is None else known

    def known_text(self, code: str, sign_name: str, params: Mapping[str, str]) -> str | None:
        """Return the message a phone would show, or None for an undescribed template."""
        found = (self.templates or {}).get(code)
        return found.text(sign_name, params) if found else None


def _entries(data: dict[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    entries = data[key]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CatalogueError("{key} must be a list of objects", key=key)
    return [(f"{key}[{index}]", entry) for index, entry in enumerate(entries)]


def _take(
    entry: dict[str, Any], place: str, required: tuple[str, ...], optional: tuple[str, ...]
) -> dict[str, Any]:
    if unknown := entry.keys() - {*required, *optional}:
        raise CatalogueError(
            "{place}: unknown key {key}; it may have {keys}",
            place=place,
            key=repr(min(unknown)),
            keys=", ".join(required + optional),
        )
    for key in required:
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise CatalogueError("{place}: {key} must be text that is not empty", place=place, key=key)
    for key in ("active", "approved", "verification_only"):
        if not isinstance(entry.get(key, True), bool):
            raise CatalogueError("{place}: {key} must be true or false", place=place, key=key)
    return entry


def _account(entry: dict[str, Any], place: str) -> Account:
    return Account(**_take(entry, place, ("access_key", "access_secret"), ("security_token", "active")))


def _signature(entry: dict[str, Any], place: str) -> Signature:
    signature = Signature(**_take(entry, place, ("name",), ("verification_only", "approved", "filing")))
    if not isinstance(signature.filing, dict) or not all(
        carrier in CARRIERS and isinstance(state, str) and _FILING.fullmatch(state)
        for carrier, state in signature.filing.items()
    ):
        raise CatalogueError(
            "{place}: filing must map {carriers} to a status from -2 to 3, and a reason after a blank",
            place=place,
            carriers=", ".join(CARRIERS),
        )
    return signature


def _role(entry: dict[str, Any], place: str) -> Role:
    return Role(**_take(entry, place, ("arn",), ("external_id",)))


def _template(entry: dict[str, Any], place: str) -> Template:
    template = Template(**_take(entry, place, ("code", "content"), ("kind", "approved", "variables")))
    try:
        check_code(template.code, given=True)
    except Exception:  # noqa: BLE001  whatever is wrong, the fix is the same
        raise CatalogueError("{place}: code must be SMS_ and digits, or digits", place=place) from None
    if template.kind not in KINDS:
        raise CatalogueError("{place}: kind must be one of {kinds}", place=place, kinds=", ".join(KINDS))
    if (
        not isinstance(template.variables, dict)
        or not set(template.variables.values()) <= VARIABLE_TYPES.keys()
    ):
        raise CatalogueError(
            "{place}: variables must map each name to one of {types}",
            place=place,
            types=", ".join(VARIABLE_TYPES),
        )
    return template
