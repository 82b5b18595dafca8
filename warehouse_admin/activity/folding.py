"""Many entries that are one thing to a reader: same person, same view, same kind, one soon after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.presenters import many, sentence
from warehouse_admin.mirror.hooks import Trusted

GAP = timedelta(hours=1)
FEWEST = 3


@dataclass(frozen=True)
class Line:
    """One entry with its sentence, and how it looks in the list."""

    entry: ActivityEntry
    sentence: str
    css: str
    trust: str = ""
    """What is said of the trust in the view."""


@dataclass
class Row:
    """An entry, or several that are folded into one, newest first."""

    entries: list[ActivityEntry] = field(default_factory=list)
    chosen: int | None = None
    trust: str = ""

    @property
    def entry(self) -> ActivityEntry:
        """The newest of them."""
        return self.entries[0]

    @property
    def is_folded(self) -> bool:
        return len(self.entries) >= FEWEST

    @property
    def is_open(self) -> bool:
        """Around the chosen entry; the newest of all is shown by the fold itself."""
        return any(entry.pk == self.chosen for entry in self.entries[1:])

    @property
    def waits(self) -> bool:
        return _waits(self.entry)

    @cached_property
    def sentence(self) -> str:
        return many(self.entries) if self.is_folded else sentence(self.entry)

    @cached_property
    def lines(self) -> list[Line]:
        return [Line(entry, sentence(entry), self._css(entry), self.trust) for entry in self.entries]

    @property
    def span(self) -> tuple[datetime, datetime]:
        return self.entries[-1].occurred_at, self.entries[0].occurred_at

    def unfolded(self) -> list[Row]:
        """A row for each entry."""
        return [Row([entry], self.chosen, self.trust) for entry in self.entries]

    def _css(self, entry: ActivityEntry) -> str:
        looks = {"is-current": entry.pk == self.chosen, "is-unread": _waits(entry), "is-part": self.is_folded}
        return " ".join(name for name, so in looks.items() if so)


def _waits(entry: ActivityEntry) -> bool:
    return entry.needs_review and not entry.verdict


def folded(
    entries: Iterable[ActivityEntry], chosen: int | None = None, trusts: Mapping[int, Trusted] | None = None
) -> list[Row]:
    """The rows of a page, newest first; a fold stands where its newest entry stands. `trusts` as of `hooks.trusts_of`.

    All entries of a fold are about one view.
    """
    rows: list[Row] = []
    last: dict[tuple[object, ...], Row] = {}
    for entry in entries:
        key = (entry.source, entry.author, entry.kind, entry.saved_query_id, entry.verdict, entry.assignee_id)
        row = last.get(key)
        near = row is not None and row.entries[-1].occurred_at - entry.occurred_at <= GAP
        if row is not None and near and entry.saved_query_id is not None:
            row.entries.append(entry)
        else:
            said = (trusts or {}).get(entry.saved_query_id or 0)
            row = last[key] = Row([entry], chosen, said.state if said else "")
            rows.append(row)
    # Two of a kind are no noise.
    return [line for row in rows for line in ([row] if row.is_folded else row.unfolded())]
