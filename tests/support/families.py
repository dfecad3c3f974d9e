"""Which families of keys there are in Redis, as the sources build their names, and which test damages each."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["DAMAGED_BY", "families"]

_ROOT = Path(__file__).parents[2]

#: Never read, or never there, or only the beginning of others.
_HARMLESS = {"sms:replicated", "sms:whole", "pulls"}

#: The test that damages it, by the family: a key's name without its tag, its ids and its digests.
DAMAGED_BY = {
    "agenda": "entries.test_the_agenda_itself",
    "aside": "entries.test_other_shared_keys",
    "aside:what": "entries.test_other_shared_keys",
    "aside:key": "families.test_twice",
    "campaign": "campaigns.test_a_key_of_a_wrong_type",
    "campaign:active": "campaigns.test_a_key_of_a_wrong_type",
    "campaign:codes": "campaigns.test_a_key_of_a_wrong_type",
    "campaign:delivered": "campaigns.test_a_key_of_a_wrong_type",
    "campaign:err_codes": "campaigns.test_a_key_of_a_wrong_type",
    "campaign:left": "campaigns.test_a_key_of_a_wrong_type",
    "campaign:left_out": "campaigns.test_a_key_of_a_wrong_type",
    "campaign:outcomes": "campaigns.test_a_key_of_a_wrong_type",
    "campaign:pages": "campaigns.test_a_key_of_a_wrong_type",
    "campaign:params": "campaigns.test_a_key_of_a_wrong_type",
    "campaign:pending": "campaigns.test_a_key_of_a_wrong_type",
    "campaign:rows": "campaigns.test_a_key_of_a_wrong_type",
    "campaigns": "campaigns.test_a_list_of_all_campaigns",
    "campaigns:open": "campaigns.test_a_list_of_all_campaigns",
    "code": "codes.test_keys_of_wrong_types",
    "err_codes": "deliveries.test_keys_that_jobs_share",
    "events": "events.test_a_stream_of_a_wrong_type",
    "failed": "families.test_list_of_what_failed",
    "job": "entries.test_set_aside_alone",
    "key": "families.test_idempotency_key",
    "last": "families.test_last_jobs",
    "outboxes": "events.test_keys_of_an_outbox",
    "an outbox": "events.test_keys_of_an_outbox",
    "an outbox:due": "events.test_keys_of_an_outbox",
    "pulls:codes": "deliveries.test_keys_that_jobs_share",
    "pulls:others": "deliveries.test_keys_that_jobs_share",
    "replies:secret": "families.test_secret_of_replies",
    "retry": "families.test_kept_payload",
    "sms:at": "entries.test_a_pointer",
    "sms:audit": "../integration/server/test_access.py:test_audit",
    "sms:day": "../integration/days/test_days.py:test_redis_away",
    "sms:elements": "families.test_common_keys",
    "sms:offered": "families.test_common_keys",
    "sms:qps": "families.test_window_of_a_rate",
    "templates": "families.test_what_is_known_of_templates",
    "templates:asked": "families.test_what_is_known_of_templates",
    "templates:lanes": "families.test_what_is_known_of_templates",
    "templates:sends": "families.test_what_is_known_of_signatures",
    "templates:signature": "../integration/server/test_metrics.py:test_damaged_keys",
    "templates:turn": "families.test_a_turn_without_an_end",
    "templates:unapproved": "families.test_what_is_known_of_templates",
    "suppressed:list": "suppression.test_nobody_takes_it_for_empty",
    "suppressed:secret": "suppression.test_nobody_takes_it_for_empty",
}


def families() -> set[str]:
    """All families, by the sources."""
    return {*_of_lua(), *_of_python()} - _HARMLESS


def _of_lua() -> Iterator[str]:
    for path in _ROOT.glob("*/*/**/*.lua"):
        text = re.sub("--.*", "", path.read_text("utf-8"))
        for found in re.findall(r"ELEMENT \.\. ':([\w:]+)", text):
            yield found.rstrip(":")
        for found in re.findall(r"campaign \.\. ':(\w+)", text):
            yield f"campaign:{found}"
        for found in re.findall(r"aside_key\('(\w+)", text):
            yield f"aside:{found}"


def _of_python() -> Iterator[str]:
    for path in _ROOT.glob("*/smsjobs*/**/*.py"):
        text = path.read_text("utf-8")
        for found in re.findall(r"(?:\bsms|\{KEY_PREFIX\}):([a-z]+)", text):
            yield f"sms:{found}"
        for node in ast.walk(ast.parse(text)) if re.search(r"\bkey\([\"\w]", text) else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "key":
                yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[str]:
    """The family of a call of `key`: its fixed words. Outboxes have any name."""
    first, *parts = node.args
    words = [each.value for each in parts if isinstance(each, ast.Constant) and each.value]
    if isinstance(first, ast.Constant):
        words.insert(0, first.value)
    if parts and isinstance(parts[0], ast.Name):
        words.insert(0, "an outbox")
    if words:
        yield ":".join(map(str, words))
