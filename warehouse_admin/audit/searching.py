"""How the trail is searched: by what an index can answer, whatever is asked together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet

from warehouse_admin.audit.models import AuditEntry, ObjectName
from warehouse_admin.core.paging import by_keys
from warehouse_admin.core.searching import Mention, mentioned

NEAR = 10_000
"""So many entries are looked through one by one, newest first, before the rows that match are looked up instead."""
MOST_CHOICES = 300
MOST_NAMES = 20
_TABLE = AuditEntry._meta.db_table


class Contained(Mention):
    """A word of ASCII somewhere in a field, written so that PostgreSQL's index of trigrams answers it."""

    written = "{column}"

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        column, parameters = compiler.compile(self.get_source_expressions()[0])
        pattern = self.word.upper().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        return f'UPPER({self.written.format(column=column)} COLLATE "C") LIKE %s', [*parameters, f"%{pattern}%"]


class Met(Contained):
    """The same in words that no index knows: it would find the word in the whole trail for a walk of a few rows."""

    written = "({column} || '')"


Entries = QuerySet[AuditEntry]


@dataclass(frozen=True)
class Matching:
    """Entries that match, to be looked up by what they match or to be met on a walk."""

    looked_up: Entries
    walked: Entries

    def each(self, change: Callable[[Entries], Any]) -> Matching:
        return Matching(change(self.looked_up), change(self.walked))


def containing(entries: Entries, words: Sequence[tuple[str, str]]) -> Matching:
    """Those with each text, as it is, somewhere in its field, whatever the case.

    An index that finds a word finds it in the whole trail, which takes longer than to walk a little of it.
    """
    return Matching(
        looked_up=entries.filter(*(_said(text, field, Contained) for text, field in words)),
        walked=entries.filter(*(_said(text, field, Met) for text, field in words)),
    )


def _said(text: str, field: str, how: type[Contained]) -> Q:
    return Q(how(text, F(field))) if text.isascii() else mentioned(text, field)


def names_with(text: str) -> list[str] | None:
    """The names of objects with a text somewhere in them, whatever the case; None where they are too many to be asked
    for one by one, so that entries are looked into instead."""
    found = ObjectName.objects.filter(_said(text, "name", Contained)).values_list("name", flat=True)
    names = list(found[: MOST_NAMES + 1])
    return names if len(names) <= MOST_NAMES else None


class Way(Enum):
    """How the entries that match are found."""

    IN_ORDER = auto()  # the only condition is one that an index has in order, so that walking is the best there is
    COVERED = auto()  # an index has one condition in order, and beside it what else is mostly asked
    OTHER = auto()


def newest(entries: Matching, below: int, count: int, way: Way) -> list[AuditEntry]:
    """The newest `count` matching entries numbered less than `below`.

    The database cannot know how conditions go together, and walks a million rows for the few that match. So a bounded
    walk comes first; when it does not find enough, few rows match, which are looked up by their conditions and sorted.
    """
    walked = entries.walked.order_by("-sequence")
    if way is Way.IN_ORDER or below <= NEAR + 1:  # entries are numbered from 1
        return list(walked.filter(sequence__lt=below)[:count])
    if way is Way.COVERED:
        return _covered(entries.looked_up.filter(sequence__lt=below).order_by("-sequence"), count)
    found = list(walked.filter(sequence__lt=below, sequence__gte=below - NEAR)[:count])
    if len(found) == count:
        return found
    return list(_unordered(entries.looked_up).filter(unordered__lt=below).order_by("-unordered")[:count])


def oldest(entries: Matching, above: int, count: int, way: Way) -> list[AuditEntry]:
    """The oldest `count` matching entries numbered more than `above`, likewise."""
    walked = entries.walked.order_by("sequence")
    if way is Way.IN_ORDER:
        return list(walked.filter(sequence__gt=above)[:count])
    if way is Way.COVERED:
        return _covered(entries.looked_up.filter(sequence__gt=above).order_by("sequence"), count)
    found = list(walked.filter(sequence__gt=above, sequence__lte=above + NEAR)[:count])
    if len(found) == count:
        return found
    return list(_unordered(entries.looked_up).filter(unordered__gt=above).order_by("unordered")[:count])


def _covered(rows: Entries, count: int) -> list[AuditEntry]:
    """The first of these rows: an index gives their numbers without a look at those that do not match."""
    return list(by_keys(rows, rows.values("sequence")[:count], "sequence"))


def _unordered(rows: Entries) -> Any:
    """With the sequence in words that no index knows: one that had it in order would be walked, and two that are both
    narrowed by it are never laid over each other."""
    return rows.alias(unordered=F("sequence") + 0)


def timed(entries: Entries) -> Any:
    """With `moment`, the time in words that no index knows: bounds of the sequence go with any other condition, and the
    time is only looked at near them."""
    at: Any = F("at")
    if connection.vendor == "postgresql":
        at = ExpressionWrapper(F("at") + timedelta(0), output_field=DateTimeField())
    return entries.alias(moment=at)


def choices(field: str, *, starting: str = "") -> list[str]:
    """The values of an indexed field in order, by one look into the index for each."""
    return choices_of([field], starting=starting)[field]


def choices_of(fields: Sequence[str], *, starting: str = "") -> dict[str, list[str]]:
    """The same of several fields, in one query."""
    found: dict[str, list[str]] = {field: [] for field in fields}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(map(_values_of, fields)), [starting, MOST_CHOICES] * len(fields))
        for field, value in cursor.fetchall():
            found[field].append(value)
    return {field: sorted(values) for field, values in found.items()}


def _values_of(field: str) -> str:
    first = f"SELECT MIN({field}) FROM {_TABLE} WHERE {field} >= %s"  # noqa: S608  names of fields only
    following = f"(SELECT MIN({field}) FROM {_TABLE} WHERE {field} > found.value)"  # noqa: S608
    return (
        f"SELECT * FROM (WITH RECURSIVE found(value) AS ({first} UNION ALL SELECT {following} FROM found "  # noqa: S608
        f"WHERE found.value IS NOT NULL) SELECT '{field}', value FROM found "  # noqa: S608
        f"WHERE value IS NOT NULL AND value <> '' LIMIT %s) AS of_{field}"
    )


def actions_of(group: str) -> Sequence[str]:
    """The actions there are whose names begin with `group`."""
    return [action for action in choices("action") if action.startswith(group)]
