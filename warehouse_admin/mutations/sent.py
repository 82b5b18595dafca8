"""What left with a write, field by field, and what PostHog held when it was read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from warehouse_admin.audit.redaction import clean_json
from warehouse_admin.core.digests import json_digest
from warehouse_admin.mutations.kinds import kind_of
from warehouse_admin.mutations.kinds.cadences import read_as
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.rows import restore

SQL, TOKEN, CADENCE = "query", "latest_history_id", "sync_frequency"


@dataclass(frozen=True)
class Sent:
    """`fields` of the body beside the SQL, `sql` where it was sent, `former` the SQL right before.

    `is_exact` where the body was made again and its digest is the one that was kept when it left; else what was wanted.
    """

    fields: dict[str, Any]
    sql: str | None
    former: str
    is_exact: bool

    @property
    def lines(self) -> list[tuple[str, Any]]:
        """The fields for people, those of a field each by itself."""
        return flat(self.fields)


@dataclass(frozen=True)
class ReadBack:
    """A field as PostHog held it when it was read again; `as_sent` is None for what was not sent."""

    field: str
    value: Any
    as_sent: bool | None


def flat(fields: dict[str, Any]) -> list[tuple[str, Any]]:
    """`credential.access_key` and the like for what a field holds of its own."""
    found: list[tuple[str, Any]] = []
    for name, value in fields.items():
        found += [(f"{name}.{key}", one) for key, one in value.items()] if isinstance(value, dict) else [(name, value)]
    return found


def _reads_as(field: str, wanted: Any, mutation: Mutation) -> Any:
    """How a value that was sent reads where PostHog took it."""
    if field == CADENCE and isinstance(wanted, str) and mutation.after:
        return read_as(wanted, restore(mutation.after))
    return wanted


def sent(mutation: Mutation) -> Sent | None:
    """None where nothing was sent. Secrets are hidden in it."""
    if mutation.sent_at is None:
        return None
    kind = kind_of(mutation)
    live = kind.restore(mutation.before) if mutation.before else None
    body = kind.request(mutation, live).body
    is_exact = json_digest(body) == mutation.remote.get("body_digest")
    body = dict(body) if is_exact else dict(mutation.payload)
    sql = body.pop(SQL, None)
    text = sql.get(SQL) if isinstance(sql, dict) else sql
    return Sent(clean_json(body), text, (mutation.before or {}).get(SQL) or "", is_exact)


def read_back(mutation: Mutation) -> list[ReadBack]:
    """What a read after sending found; nothing where it was not read, or is gone."""
    if mutation.sent_at is None or not mutation.after:
        return []
    wanted = mutation.payload
    found = clean_json(
        {name: value for name, value in kind_of(mutation).shown(mutation.after).items() if name not in (SQL, TOKEN)}
    )
    rows = [
        ReadBack(name, value, value == _reads_as(name, wanted[name], mutation) if name in wanted else None)
        for name, value in found.items()
    ]
    if SQL in wanted:
        text = mutation.after.get(SQL)
        rows.append(ReadBack(SQL, text, text == wanted[SQL]))
    return rows
