"""The settings of who may see pages: no way in by default, and a weak or half setting is refused by its name."""

import pytest

from smsjobs import SettingsError
from smsjobs_server.access import AccessSettings
from smsjobs_server.access.visitors import Roles

TOKEN = "nv4Yw-2kTzq8Rb0LmXe6"
OTHER = "Zr7Qd-9sHvp3Uc1KnWa5"
PROXY = {
    "SMS_PAGES_USER_HEADER": "X-Forwarded-Email",
    "SMS_PAGES_PROXIES": "127.0.0.1",
    "SMS_PAGES_VIEWERS": "*",
}
OIDC = {
    "SMS_PAGES_OIDC_ISSUER": "https://id.example.com/",
    "SMS_PAGES_OIDC_CLIENT_ID": "sms",
    "SMS_PAGES_OIDC_CLIENT_SECRET": "shared",
    "SMS_PAGES_OPERATORS": "li@example.com",
    "SMS_PAGES_URL": "https://sms.example.com",
}


def read(environ: dict[str, str], host: str = "127.0.0.1") -> AccessSettings | None:
    return AccessSettings.read(environ, host=host)


@pytest.mark.parametrize(
    ("environ", "ways"),
    [
        ({"SMS_PAGES_VIEW_TOKEN": TOKEN}, ["token"]),
        ({"SMS_PAGES_OPERATE_TOKEN": f"{TOKEN}\n"}, ["token"]),  # the line end of a file of secrets
        (PROXY, ["proxy"]),
        (OIDC, ["oidc"]),
        (PROXY | OIDC | {"SMS_PAGES_VIEW_TOKEN": TOKEN}, ["token", "proxy", "oidc"]),
    ],
)
def test_ways(environ: dict[str, str], ways: list[str]) -> None:
    """Each way in is there if it is set, by itself or beside others."""
    settings = read(environ)
    assert settings is not None
    assert settings.ways == ways


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"SMS_PAGES_VIEW_TOKEN": "  "},
        {"SMS_PAGES_URL": "https://sms.example.com", "SMS_PAGES_OPERATORS": "*"},  # names, and no way in
        {"SMS_PAGES_PROXIES": "127.0.0.1"},
    ],
)
def test_no_way(environ: dict[str, str]) -> None:
    """Without a way in there are no pages."""
    assert read(environ) is None


@pytest.mark.parametrize(
    ("environ", "host", "named"),
    [
        ({"SMS_PAGES_VIEW_TOKEN": "short"}, "", "SMS_PAGES_VIEW_TOKEN"),
        ({"SMS_PAGES_OPERATE_TOKEN": "a" * 20}, "", "SMS_PAGES_OPERATE_TOKEN"),
        ({"SMS_PAGES_VIEW_TOKEN": f"{TOKEN} x"}, "", "SMS_PAGES_VIEW_TOKEN"),
        ({"SMS_PAGES_VIEW_TOKEN": TOKEN, "SMS_PAGES_OPERATE_TOKEN": TOKEN}, "", "must not be the same"),
        (PROXY | {"SMS_PAGES_PROXIES": ""}, "", "SMS_PAGES_PROXIES"),
        (PROXY | {"SMS_PAGES_PROXIES": "proxy.example.com"}, "", "SMS_PAGES_PROXIES"),
        (PROXY | {"SMS_PAGES_USER_HEADER": "X Forwarded"}, "", "SMS_PAGES_USER_HEADER"),
        (PROXY | {"SMS_PAGES_VIEWERS": ""}, "", "SMS_PAGES_OPERATORS"),
        (OIDC | {"SMS_PAGES_OIDC_CLIENT_SECRET": ""}, "", "SMS_PAGES_OIDC_CLIENT_SECRET"),
        (OIDC | {"SMS_PAGES_OIDC_ISSUER": "http://id.example.com"}, "", "SMS_PAGES_OIDC_ISSUER"),
        (OIDC | {"SMS_PAGES_OPERATORS": ""}, "", "SMS_PAGES_OPERATORS"),
        (OIDC | {"SMS_PAGES_URL": ""}, "", "SMS_PAGES_URL"),
        ({"SMS_PAGES_VIEW_TOKEN": TOKEN}, "0.0.0.0", "SMS_PAGES_URL"),  # in clear text to everybody
        ({"SMS_PAGES_VIEW_TOKEN": TOKEN, "SMS_PAGES_URL": "sms.example.com"}, "", "SMS_PAGES_URL"),
        ({"SMS_PAGES_VIEW_TOKEN": TOKEN, "SMS_PAGES_URL": "https://h/path"}, "", "SMS_PAGES_URL"),
        ({"SMS_PAGES_VIEW_TOKEN": TOKEN, "SMS_PAGES_URL": "https://[::1"}, "", "SMS_PAGES_URL"),
        ({"SMS_PAGES_VIEW_TOKEN": TOKEN, "SMS_PAGES_SECRET": "short"}, "", "SMS_PAGES_SECRET"),
    ],
)
def test_refused(environ: dict[str, str], host: str, named: str) -> None:
    """What is weak, wrong or half is refused by its name, and no value is repeated."""
    with pytest.raises(SettingsError, match=named) as refused:
        read(environ, host or "127.0.0.1")
    assert TOKEN not in str(refused.value)


def test_repr() -> None:
    """No secret stands in the settings' repr."""
    settings = read(OIDC | {"SMS_PAGES_VIEW_TOKEN": TOKEN, "SMS_PAGES_OPERATE_TOKEN": OTHER})
    assert settings is not None
    assert not [each for each in (TOKEN, OTHER, "shared", settings.key) if each in repr(settings)]


def test_key() -> None:
    """The sessions of one installation have one key, and another one as soon as a setting is changed."""
    secret = {"SMS_PAGES_SECRET": "kX2-vQ7_zL9pR4tB8nW1mS6yD3fG0hJ5"}
    token = {"SMS_PAGES_VIEW_TOKEN": TOKEN}
    keys = [
        settings.key
        for environ in (
            secret | token,
            secret | token,
            secret | {"SMS_PAGES_VIEW_TOKEN": OTHER},
            token,
            token,
        )
        if (settings := read(environ))
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


@pytest.mark.parametrize(
    ("names", "role"),
    [
        (["Li@Example.com"], "operate"),
        (["8f3", "group:sms"], "operate"),
        (["wang@example.com"], "view"),
        (["zhao@example.com"], None),
        ([], None),
    ],
)
def test_roles(names: list[str], role: str | None) -> None:
    """A name has the role of the list that it is on, in any case of letters; one that is on none has none."""
    roles = Roles(
        viewers=frozenset({"wang@example.com"}), operators=frozenset({"li@example.com", "group:sms"})
    )
    assert roles.of(names) == role


def test_everybody() -> None:
    """A star is everybody whom the proxy or the provider lets in, and takes no higher role away."""
    roles = Roles(viewers=frozenset({"*"}), operators=frozenset({"li@example.com"}))
    assert roles.of(["anybody"]) == "view"
    assert roles.of(["li@example.com"]) == "operate"
