"""Many entries that are one thing to a reader: same person, same view, same kind, one soon after another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.presenters import many, sentence

GAP = timedelta(hours=1)
FEWEST = 3


@dataclass
class Row:
    """One line of the list: an entry, or several that are folded into one."""

    entries: list[ActivityEntry] = field(default_factory=list)
    is_open: bool = False

    @property
    def entry(self) -> ActivityEntry:
        """The newest of them."""
        return self.entries[0]

    @property
    def is_folded(self) -> bool:
        return len(self.entries) >= FEWEST

    @property
    def sentence(self) -> str:
        return many(self.entries) if self.is_folded else sentence(self.entry)

    @property
    def lines(self) -> list[tuple[ActivityEntry, str]]:
        """Each entry with its own sentence."""
        return [(entry, sentence(entry)) for entry in self.entries]

    @property
    def span(self) -> tuple[datetime, datetime]:
        return self.entries[-1].occurred_at, self.entries[0].occurred_at


def folded(entries: Iterable[ActivityEntry], chosen: int | None = None) -> list[Row]:
    """The rows of a page, newest first; a fold stands where its newest entry stands, and is open around the chosen."""
    rows: list[Row] = []
    last: dict[tuple[object, ...], Row] = {}
    for entry in entries:
        key = (entry.source, entry.author, entry.kind, entry.saved_query_id, entry.verdict, entry.assignee_id)
        row = last.get(key)
        near = row is not None and row.entries[-1].occurred_at - entry.occurred_at <= GAP
        if row is not None and near and entry.saved_query_id is not None:
            row.entries.append(entry)
        else:
            row = last[key] = Row([entry])
            rows.append(row)
    return [line for row in rows for line in _split(row, chosen)]


def _split(row: Row, chosen: int | None) -> list[Row]:
    """Two of a kind are no noise: they stay as they are."""
    if not row.is_folded:
        return [Row([entry]) for entry in row.entries]
    row.is_open = any(entry.pk == chosen for entry in row.entries[1:])
    return [row]
