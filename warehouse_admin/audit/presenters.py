"""One entry as people read it: what changed, what the other side said, and the whole as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from warehouse_admin.audit.models import AuditEntry

LONG = 120
PRESETS = [("1d", "Today"), ("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days")]
"""How far back, as `selectors` reads it."""
ACTION_GROUPS = [
    ("change.", "Changes"),
    ("saved_query.", "Writes to views"),
    ("catalog.", "Owners and tags"),
    ("interview.", "Interviews"),
    ("schedules.", "Schedules"),
    ("sync.", "Syncs"),
    ("activity.", "Activity reviews"),
    ("sign_in.", "Sign-ins"),
    ("person.", "People"),
    ("token.", "API tokens"),
    ("personal_key.", "PostHog keys of people"),
    ("connection.", "Connections"),
    ("audit.", "Checks of the trail"),
]


def action_options(chosen: str, known: Iterable[str]) -> list[tuple[str, str]]:
    """The groups of actions to filter by, then the single ones, with the one that is chosen now."""
    groups = {value for value, _ in ACTION_GROUPS}
    single = {*known, chosen} - groups - {""}
    return [*ACTION_GROUPS, *((action, action) for action in sorted(single))]


def date_presets(since: str) -> list[tuple[str, str]]:
    """The days to begin with at a click, and the one that is asked for now, if it is another."""
    known = not since or any(since == days for days, _ in PRESETS)
    return PRESETS if known else [*PRESETS, (since, since[:30])]


def suggestions(values: Iterable[str]) -> SafeString:
    """The options of a list to choose from while typing."""
    return _suggestions(tuple(values))


@lru_cache(maxsize=32)  # hundreds of people, who are the same for every page of some minutes
def _suggestions(values: tuple[str, ...]) -> SafeString:
    return format_html_join("", '<option value="{}"></option>', ((value,) for value in values))


@dataclass(frozen=True)
class Field:
    """One value before and after; `is_text` when it deserves a line by line comparison."""

    name: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        return self.before != self.after

    @property
    def is_text(self) -> bool:
        return any(len(value) > LONG or "\n" in value for value in (self.before, self.after))


def fields(entry: AuditEntry) -> list[Field]:
    """Every value of before and after, flat, those that differ first."""
    before, after = _flat(entry.before), _flat(entry.after)
    names = dict.fromkeys([*before, *after])
    found = [Field(name, before.get(name, ""), after.get(name, "")) for name in names]
    return sorted(found, key=lambda field: not field.differs)


def remote_facts(entry: AuditEntry) -> list[tuple[str, str]]:
    """What was sent and what came back, flat."""
    return list(_flat(entry.remote).items())


def as_dict(entry: AuditEntry) -> dict[str, Any]:
    """The entry as the API and "Copy as JSON" give it."""
    return {
        "sequence": entry.sequence,
        "at": entry.at.isoformat(),
        "actor": entry.actor_name,
        "actor_kind": entry.actor_kind,
        "token": entry.token_name or None,
        "action": entry.action,
        "connection": entry.connection or None,
        "object": {"type": entry.object_type, "id": entry.object_id, "name": entry.object_name},
        "result": entry.result,
        "reason": entry.reason,
        "before": entry.before,
        "after": entry.after,
        "remote": entry.remote,
        "request_id": entry.request_id,
        "ip": entry.ip or None,
        "prev_hash": entry.prev_hash,
        "hash": entry.hash,
    }


def as_json(entry: AuditEntry) -> str:
    return json.dumps(as_dict(entry), indent=2, ensure_ascii=False)


def _flat(value: Any, name: str = "") -> dict[str, str]:
    if value is None:
        return {name: ""} if name else {}
    if isinstance(value, dict):
        found: dict[str, str] = {}
        for key, item in value.items():
            found |= _flat(item, f"{name}.{key}" if name else str(key))
        return found
    if isinstance(value, list):
        return {name or "value": "\n".join(_short(item) for item in value)}
    return {name or "value": _short(value)}


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
