"""Emptying the tables after a test that commits, in a hundredth of the time that `flush` takes.

`flush` truncates every table, filled or not, which PostgreSQL takes seconds for, and then makes all permissions and
roles anew. Here rows are deleted where there are any, and what the migrations made stays, unless a test touched it.
"""

from __future__ import annotations

from typing import Any

from django.db import connections, transaction
from django.test import TransactionTestCase

from warehouse_admin.audit import triggers

MADE_BY_MIGRATIONS = (
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
)

LARGE = 1_000
"""So many deleted rows are not left for the tests after to wade through."""

_flush = TransactionTestCase._fixture_teardown
_made: list[Any] = []


def install() -> None:
    """Let every test that commits be cleaned up after like this. Call it when the test database is new."""
    _made[:] = _read_made()
    TransactionTestCase._fixture_teardown = _empty


def _empty(self: TransactionTestCase) -> None:
    database = connections["default"]
    whole = _read_made() == _made
    # Emptying the tables between tests is the one thing the audit triggers must be lifted for.
    large = []
    with transaction.atomic(), database.cursor() as cursor:
        triggers.drop(cursor)
        for table in database.introspection.django_table_names(only_existing=True, include_views=False):
            if table not in MADE_BY_MIGRATIONS and _has_rows(cursor, table):
                cursor.execute(f'DELETE FROM "{table}"')
                if cursor.rowcount > LARGE:
                    large.append(table)
        triggers.create(cursor)
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            for table in large:
                cursor.execute(f'VACUUM "{table}"')
    if not whole:
        _flush(self)


def _has_rows(cursor: Any, table: str) -> bool:
    cursor.execute(f'SELECT 1 FROM "{table}" LIMIT 1')
    return cursor.fetchone() is not None


def _read_made() -> list[Any]:
    with connections["default"].cursor() as cursor:
        found = []
        for table in MADE_BY_MIGRATIONS[1:]:
            cursor.execute(f'SELECT * FROM "{table}" ORDER BY 1')
            found.append(cursor.fetchall())
        return found
