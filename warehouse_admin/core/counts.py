"""Counts that every page shows: their SQL is written once, and any number of them cost one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Aggregate, JSONField, Model, Q, QuerySet


class Each(Aggregate):
    """The values of a column, each once, as a list; None where there is none."""

    function = "JSON_GROUP_ARRAY"
    template = "%(function)s(DISTINCT %(expressions)s)"
    output_field = JSONField()

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSONB_AGG", **more)


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


@dataclass(frozen=True)
class Tally:
    """How many rows of a model meet each of some conditions on its own columns, in one query; SQL written once."""

    columns: str
    parameters: Sequence[Any]

    @classmethod
    def of(cls, model: type[Model], conditions: Sequence[Q]) -> Tally:
        columns: list[str] = []
        parameters: list[Any] = []
        for condition in conditions:
            query = model._default_manager.filter(condition).query
            compiler = query.get_compiler(connection.alias)
            sql, values = query.where.as_sql(compiler, connection) if condition else ("TRUE", ())
            columns.append(f"COUNT(*) FILTER (WHERE {sql})")
            parameters.extend(values)
        return cls(", ".join(columns), parameters)

    def count(self, rows: QuerySet[Any]) -> list[int]:
        """The numbers among these rows of the model, in the order of the conditions."""
        sql, values = rows.order_by().values("pk").query.sql_with_params()
        _key, _from, rest = sql.partition(" FROM ")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {self.columns} FROM {rest}", [*self.parameters, *values])  # noqa: S608
            return [int(number) for number in cursor.fetchone()]


def count_all(*counts: Counting) -> list[int]:
    """All of these numbers, in one query."""
    sql = ", ".join(f"({one.sql})" for one in counts)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql}", [value for one in counts for value in one.parameters])
        return [int(number) for number in cursor.fetchone()]
