"""Counts that every page shows: their SQL is written once, and any number of them cost one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet


@dataclass(frozen=True)
class Counting:
    """SQL that gives one number, and its parameters."""

    sql: str
    parameters: Sequence[Any]

    @classmethod
    def of(cls, rows: QuerySet[Any]) -> Counting:
        """How many rows there are."""
        sql, parameters = rows.order_by().values("pk").query.sql_with_params()
        return cls(f"SELECT COUNT(*) FROM ({sql}) AS counted", parameters)  # noqa: S608  the SQL is Django's


def count_all(*counts: Counting) -> list[int]:
    """All of these numbers, in one query."""
    sql = ", ".join(f"({one.sql})" for one in counts)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql}", [value for one in counts for value in one.parameters])
        return [int(number) for number in cursor.fetchone()]
