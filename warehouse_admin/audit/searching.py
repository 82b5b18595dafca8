"""How the trail is searched: by what an index can answer, whatever is asked together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import CombinedExpression

from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.searching import Mention, mentioned

NEAR = 20_000
"""So many entries are looked through one by one, newest first, before the rows that match are looked up instead."""
MOST_CHOICES = 300
_TABLE = AuditEntry._meta.db_table


class Contained(Mention):
    """A word of ASCII somewhere in a field, written so that PostgreSQL's index of trigrams answers it."""

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        column, parameters = compiler.compile(self.get_source_expressions()[0])
        pattern = self.word.upper().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        return f'UPPER({column} COLLATE "C") LIKE %s', [*parameters, f"%{pattern}%"]


def contained(text: str, field: str) -> Q:
    """The text as it is somewhere in the field, whatever the case."""
    return Q(Contained(text, F(field))) if text.isascii() else mentioned(text, field)


def newest(entries: QuerySet[AuditEntry], below: int, count: int, *, indexed: bool) -> list[AuditEntry]:
    """The newest `count` matching entries numbered less than `below`.

    The database cannot know how conditions go together, and walks a million rows for the few that match. So a bounded
    walk comes first; when it does not find enough, few rows match, which are looked up by their conditions and sorted.
    `indexed` says that the only condition is one that an index has in order, so that walking is the best there is.
    """
    rows = entries.filter(sequence__lt=below).order_by("-sequence")
    if indexed or below <= NEAR:
        return list(rows[:count])
    found = list(rows.filter(sequence__gte=below - NEAR)[:count])
    return found if len(found) == count else list(rows.order_by(_unindexed().desc())[:count])


def oldest(entries: QuerySet[AuditEntry], above: int, count: int, *, indexed: bool) -> list[AuditEntry]:
    """The oldest `count` matching entries numbered more than `above`, likewise."""
    rows = entries.filter(sequence__gt=above).order_by("sequence")
    if indexed:
        return list(rows[:count])
    found = list(rows.filter(sequence__lte=above + NEAR)[:count])
    return found if len(found) == count else list(rows.order_by(_unindexed().asc())[:count])


def _unindexed() -> CombinedExpression:
    """The sequence, in words that no index has in order."""
    return F("sequence") + 0


def choices(field: str, *, starting: str = "") -> list[str]:
    """The values of an indexed field in order, by one look into the index for each."""
    first = f"SELECT MIN({field}) FROM {_TABLE} WHERE {field} >= %s"  # noqa: S608  names of fields only
    following = f"(SELECT MIN({field}) FROM {_TABLE} WHERE {field} > found.value)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE found(value) AS ({first} UNION ALL SELECT {following} FROM found "  # noqa: S608
            "WHERE found.value IS NOT NULL) SELECT value FROM found WHERE value IS NOT NULL AND value <> '' LIMIT %s",
            [starting, MOST_CHOICES],
        )
        return [value for (value,) in cursor.fetchall()]


def actions_of(group: str) -> Sequence[str]:
    """The actions there are whose names begin with `group`."""
    return [action for action in choices("action") if action.startswith(group)]
