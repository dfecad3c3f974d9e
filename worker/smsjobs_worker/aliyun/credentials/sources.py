"""Where keys come from that are not in ``sms.json``, by ``alibabacloud-credentials``.

Each `fetch` may take some seconds: `Renewed` calls it in a thread of its own.

The library's own default chain reads the environment when it is imported, keeps a scheduler's thread for each element and
does not tell when keys end. So its providers are asked here one by one, in its order; a test compares the two.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.http import HttpOptions
from alibabacloud_credentials.provider import (
    CLIProfileCredentialsProvider,
    EcsRamRoleCredentialsProvider,
    OIDCRoleArnCredentialsProvider,
    ProfileCredentialsProvider,
    RamRoleArnCredentialsProvider,
    URLCredentialsProvider,
)
from Tea.exceptions import RetryError, UnretryableException

from smsjobs_worker.aliyun import connections
from smsjobs_worker.aliyun.account import Account
from smsjobs_worker.aliyun.credentials.keys import Keys, NoKeys

__all__ = ["AssumedRole", "Chain", "Given"]

#: Where an ECS instance asks for the keys of its role.
_METADATA: Final = "100.100.100.200"

#: Where a pod's role is taken on (RRSA), unless a region is set.
_STS: Final = "sts.aliyuncs.com"

#: Aliyun's code, in the library's text, which has the whole answer.
_CODE: Final = re.compile(r'"Code"\s*:\s*"([A-Za-z][A-Za-z.]{0,63})"', re.ASCII)

#: What fits into a request's header.
_PRINTABLE: Final = re.compile(r"[!-~]+", re.ASCII)


class _Provider(Protocol):
    """One of the library's."""

    def get_credentials(self) -> Any: ...


class Given:
    """Keys that are given, to take on a role with."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def fetch(self, *, anew: bool) -> Keys:
        """The keys."""
        del anew
        return self._keys


class Chain:
    """Aliyun's default chain. The first source that has keys is kept, as the library's own chain keeps it."""

    def __init__(self) -> None:
        self._found: tuple[str, _Provider] | None = None
        #: For each file: when it was changed, and its provider.
        self._of_files: dict[Path, tuple[float, _Provider]] = {}

    def fetch(self, *, anew: bool) -> Keys:
        """Keys that have not expired.

        Args:
            anew: Ask all sources again, and none that remembers.

        Raises:
            NoKeys: No source has any.
        """
        if self._found is None or anew:
            self._found = None
            return self._search()
        return _read(*self._found)

    def _search(self) -> Keys:
        if (keys := _of_environment()) is not None:
            return keys
        why = []
        for name, make in (
            ("OIDC", _of_oidc),
            ("~/.aliyun/config.json", self._of_cli),
            ("the credentials file", self._of_profile),
            ("the role of this ECS instance", _of_ecs),
            ("ALIBABA_CLOUD_CREDENTIALS_URI", _of_uri),
        ):
            provider = make()
            if provider is None:
                why.append(f"{name}: not set up")
                continue
            try:
                keys = _read(name, provider)
            except NoKeys as error:
                why.append(str(error))
            else:
                self._found = name, provider
                return keys
        raise NoKeys(f"the environment: not set up; {'; '.join(why)}")

    def _of_cli(self) -> _Provider | None:
        if os.environ.get("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "").lower() == "true":
            return None
        path, profile = Path("~/.aliyun/config.json").expanduser(), _variable("ALIBABA_CLOUD_PROFILE")
        return self._of_file(
            path, lambda: CLIProfileCredentialsProvider(profile_file=str(path), profile_name=profile)
        )

    def _of_profile(self) -> _Provider | None:
        given = _variable("ALIBABA_CLOUD_CREDENTIALS_FILE")
        path = Path(given or "~/.alibabacloud/credentials.ini").expanduser()
        profile = _variable("ALIBABA_CLOUD_PROFILE") or "default"
        return self._of_file(
            path, lambda: ProfileCredentialsProvider(profile_file=str(path), profile_name=profile)
        )

    def _of_file(self, path: Path, make: Callable[[], _Provider]) -> _Provider | None:
        """Its provider, made anew only where the file has changed: one of an ECS role keeps a thread for ever."""
        try:
            changed_at = path.stat().st_mtime
        except OSError:
            return None
        known = self._of_files.get(path)
        if known is None or known[0] != changed_at:
            known = self._of_files[path] = (changed_at, make())
        return known[1]


class AssumedRole:
    """A role that is taken on with the keys of another source."""

    def __init__(self, account: Account, base: Chain | Given) -> None:
        assert account.role is not None  # noqa: S101  the caller has looked
        self._role, self._base = account.role, base
        endpoint = account.sts_endpoint
        # The library writes https before a mere host.
        self._host = endpoint.url if endpoint.protocol == "http" else endpoint.host
        self._options = HttpOptions(
            connect_timeout=account.connect_timeout_ms, read_timeout=account.read_timeout_ms
        )

    def fetch(self, *, anew: bool) -> Keys:
        """Keys of a new session.

        Raises:
            NoKeys: The role cannot be taken on, or there are no keys to do it with.
        """
        base = self._base.fetch(anew=anew)
        connections.prepare_credentials("https", self._host)
        provider = RamRoleArnCredentialsProvider(
            access_key_id=base.access_key,
            access_key_secret=base.access_secret,
            security_token=base.security_token,
            role_arn=self._role.arn,
            role_session_name=self._role.session_name,
            duration_seconds=self._role.duration_s,
            external_id=self._role.external_id,
            sts_endpoint=self._host,
            http_options=self._options,
        )
        return _read(f"{self._role.arn}, taken on with {base.source}", provider)


def _of_environment() -> Keys | None:
    key, secret = _variable("ALIBABA_CLOUD_ACCESS_KEY_ID"), _variable("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    if key is None or secret is None:
        return None
    token = _variable("ALIBABA_CLOUD_SECURITY_TOKEN")
    return _checked(
        Keys(access_key=key, access_secret=secret, security_token=token, source="the environment")
    )


def _of_oidc() -> _Provider | None:
    role, issuer, file = (
        _variable(f"ALIBABA_CLOUD_{each}") for each in ("ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE")
    )
    if role is None or issuer is None or file is None:
        return None
    connections.prepare_credentials("https", _STS)
    provider: _Provider = OIDCRoleArnCredentialsProvider(
        role_arn=role,
        oidc_provider_arn=issuer,
        oidc_token_file_path=file,
        role_session_name=_variable("ALIBABA_CLOUD_ROLE_SESSION_NAME"),
        sts_region_id=_variable("ALIBABA_CLOUD_STS_REGION"),
    )
    return provider


def _of_ecs() -> _Provider | None:
    if os.environ.get("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "").lower() == "true":
        return None
    connections.prepare_credentials("http", _METADATA)
    # Its own updates would be one more thread for each element.
    provider: _Provider = EcsRamRoleCredentialsProvider(
        role_name=_variable("ALIBABA_CLOUD_ECS_METADATA"),
        disable_imds_v1=os.environ.get("ALIBABA_CLOUD_IMDSV1_DISABLED", "").lower() == "true",
        async_update_enabled=False,
    )
    return provider


def _of_uri() -> _Provider | None:
    uri = _variable("ALIBABA_CLOUD_CREDENTIALS_URI")
    return None if uri is None else URLCredentialsProvider(uri=uri)


def _variable(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def _read(source: str, provider: _Provider) -> Keys:
    """The provider's keys. A failure is raised outside of `except`, so that it carries no foreign exception."""
    try:
        found = provider.get_credentials()
        expires_at = getattr(found, "get_expiration", lambda: None)()
        keys = Keys(
            access_key=found.get_access_key_id(),
            access_secret=found.get_access_key_secret(),
            security_token=found.get_security_token() or None,
            expires_at=float(expires_at) if expires_at else None,
            source=source,
        )
    except Exception as error:  # noqa: BLE001  whatever it is, its text may hold a token
        why = _why(error)
    else:
        return _checked(keys)
    raise NoKeys(f"{source}: {why}")


def _why(error: Exception) -> str:
    match error:
        case CredentialException():
            code = _CODE.search(str(error.message))
            return f"refused ({code[1]})" if code else "it has none"
        case RetryError() | UnretryableException():
            return "no answer"
        case FileNotFoundError() | PermissionError():
            return "a file that cannot be read"
        case _:
            return f"a malformed answer ({type(error).__name__})"


def _checked(keys: Keys) -> Keys:
    parts: list[Any] = [keys.access_key, keys.access_secret]
    parts += [] if keys.security_token is None else [keys.security_token]
    if not all(isinstance(each, str) and _PRINTABLE.fullmatch(each) for each in parts):
        raise NoKeys(f"{keys.source}: a malformed answer (no AccessKey)")
    if keys.expires_at is not None and keys.expires_at <= time.time():
        raise NoKeys(f"{keys.source}: its keys have expired")
    return keys
