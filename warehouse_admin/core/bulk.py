"""Writing many rows at once, where what Django does for it costs more than all the rest of a sync.

`bulk_create` writes a placeholder for each value of each row into one statement, `bulk_update` a CASE for each value.
Here the statement is that of one row, and the driver repeats it; PostgreSQL takes new rows as a stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections, router
from django.db.models import Field, Model


def insert_rows(rows: Sequence[Model], *, unless_there: bool = False) -> None:
    """Insert new rows, all of one model; they do not learn their primary keys.

    `unless_there`: a row that another process was faster to insert is left as it is instead of being an error.
    """
    if rows:
        fields = [field for field in rows[0]._meta.concrete_fields if not field.primary_key]
        columns, places = ", ".join(_quoted(field) for field in fields), ", ".join(["%s"] * len(fields))
        if _connection_of(rows).vendor == "postgresql" and not unless_there:
            return _stream(f"COPY {_table(rows[0])} ({columns}) FROM STDIN", rows, fields)
        statement = f"INSERT INTO {_table(rows[0])} ({columns}) VALUES ({places})"  # noqa: S608
        _repeat(statement + (" ON CONFLICT DO NOTHING" if unless_there else ""), rows, fields, add=True)


def update_rows(rows: Sequence[Model], names: Iterable[str]) -> None:
    """Write these fields of rows that are saved already, all of one model."""
    if rows:
        meta = rows[0]._meta
        fields: list[Any] = [meta.get_field(name) for name in names]
        assignments = ", ".join(f"{_quoted(field)} = %s" for field in fields)
        statement = f"UPDATE {_table(rows[0])} SET {assignments} WHERE {_quoted(meta.pk)} = %s"  # noqa: S608
        _repeat(statement, rows, [*fields, meta.pk], add=False)


def _repeat(statement: str, rows: Sequence[Model], fields: Sequence[Field[Any, Any]], *, add: bool) -> None:
    with _connection_of(rows).cursor() as cursor:
        cursor.executemany(statement, _values(rows, fields, add=add))


def _stream(statement: str, rows: Sequence[Model], fields: Sequence[Field[Any, Any]]) -> None:
    connection = _connection_of(rows)
    # Values first: what cannot be written must not end the stream in the middle. Errors of the driver become Django's.
    values = _values(rows, fields, add=True)
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as stream:
        for row in values:
            stream.write_row(row)


def _values(rows: Sequence[Model], fields: Sequence[Field[Any, Any]], *, add: bool) -> list[list[Any]]:
    connection = _connection_of(rows)
    return [[field.get_db_prep_save(field.pre_save(row, add), connection) for field in fields] for row in rows]


def _connection_of(rows: Sequence[Model]) -> Any:
    return connections[router.db_for_write(type(rows[0]))]


def _table(row: Model) -> str:
    return f'"{row._meta.db_table}"'


def _quoted(field: Field[Any, Any]) -> str:
    return f'"{field.column}"'
