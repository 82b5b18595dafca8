"""Indexes for `core.searching` on PostgreSQL, by parts of three letters; everywhere else a search reads every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError, transaction


def folded(columns: Sequence[str]) -> str:
    """What a search looks into: quoted columns that are never null, together, in capitals as ASCII has them.

    An index is used for exactly this expression and for no other.
    """
    joined = " || E'\\n' || ".join(f'({column} COLLATE "C")' for column in columns)
    return f"UPPER({joined})"


def create_index(connection: Any, name: str, table: str, columns: Sequence[str], condition: str = "") -> bool:
    """Make an index for searches in these columns; false where the database has no such index, or not for us."""
    if connection.vendor != "postgresql":
        return False
    where = f" WHERE {condition}" if condition else ""
    expression = folded([f'"{column}"' for column in columns])
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(f'CREATE INDEX "{name}" ON "{table}" USING gin ({expression} gin_trgm_ops){where}')
    except DatabaseError:  # no such extension, or no right to create it
        return False
    return True


def drop_index(connection: Any, name: str) -> None:
    """Take it away again; the extension stays, others may use it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
