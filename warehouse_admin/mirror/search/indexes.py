"""The index over the search texts: trigrams in PostgreSQL, FTS5 with its trigram tokenizer in SQLite.

Either may be missing: PostgreSQL needs an extension that the database's owner may not be allowed to create, SQLite has
the tokenizer since 3.34. A search is then read text by text: slower, and as right.
"""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, transaction

TABLE = "mirror_searchtext"
TRIGRAMS = "mirror_searchtext_trigrams"
FULL_TEXT = "mirror_searchtext_parts"
COLUMNS = ("about", "columns", "query")
SHORTEST = 3
"""Shorter words have no part of three letters to look up."""
MOST_PARTS = 16
"""So many parts of a long word narrow enough; what they find is compared anyway."""

_there: dict[str, bool] = {}


def create(connection: Any) -> bool:
    """Make the index unless it is there; false where the database cannot have it. Harmless to call again."""
    if is_there(connection, look=True):
        return True
    statements = _sqlite() if connection.vendor == "sqlite" else _postgresql()
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except DatabaseError:  # no such tokenizer, no such extension, or no right to create it
        return False
    return is_there(connection, look=True)


def drop(connection: Any) -> None:
    """Take it away. The extension stays: others may use it."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for event in ("insert", "update", "delete"):
                cursor.execute(f"DROP TRIGGER IF EXISTS {FULL_TEXT}_{event}")
            cursor.execute(f"DROP TABLE IF EXISTS {FULL_TEXT}")
        else:
            cursor.execute(f"DROP INDEX IF EXISTS {TRIGRAMS}")
    _there.clear()


def is_there(connection: Any, *, look: bool = False) -> bool:
    """Whether this database has it; asked once for each process, or anew with `look`."""
    name = str(connection.settings_dict["NAME"])
    if look or name not in _there:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("SELECT 1 FROM sqlite_master WHERE name = %s", [f"{FULL_TEXT}_insert"])
            else:
                cursor.execute("SELECT to_regclass(%s)", [TRIGRAMS])
            _there[name] = (cursor.fetchone() or (None,))[0] is not None
    return _there[name]


def tidy(connection: Any) -> None:
    """After many new texts: put what PostgreSQL keeps in a list until there is time into the index itself."""
    if connection.vendor == "postgresql" and is_there(connection):
        with connection.cursor() as cursor:
            cursor.execute("SELECT gin_clean_pending_list(to_regclass(%s))", [TRIGRAMS])


def parts_of(word: str) -> list[str]:
    """Parts of three letters that hold all of a word, at most so many."""
    starts = [*range(0, len(word) - SHORTEST, SHORTEST), len(word) - SHORTEST] if len(word) >= SHORTEST else []
    return [word[start : start + SHORTEST] for start in starts[-MOST_PARTS:]]


def _postgresql() -> list[str]:
    classes = ", ".join(f"{name} gin_trgm_ops" for name in COLUMNS)
    return [
        "CREATE EXTENSION IF NOT EXISTS pg_trgm",
        f"CREATE INDEX {TRIGRAMS} ON {TABLE} USING gin ({classes})",
    ]


def _sqlite() -> list[str]:
    """The triggers sit on a table that is written in the background only; rebuilding that table would drop them."""
    names = ", ".join(COLUMNS)
    new, old = (", ".join(f"{row}.{name}" for name in COLUMNS) for row in ("new", "old"))
    add = f"INSERT INTO {FULL_TEXT}(rowid, {names}) VALUES (new.id, {new});"  # noqa: S608
    take = f"INSERT INTO {FULL_TEXT}({FULL_TEXT}, rowid, {names}) VALUES ('delete', old.id, {old});"  # noqa: S608
    return [
        f"CREATE VIRTUAL TABLE {FULL_TEXT} USING fts5({names}, content='{TABLE}', content_rowid='id',"
        " tokenize='trigram', detail=none)",
        f"INSERT INTO {FULL_TEXT}({FULL_TEXT}) VALUES ('rebuild')",  # noqa: S608
        f"CREATE TRIGGER {FULL_TEXT}_delete AFTER DELETE ON {TABLE} BEGIN {take} END",
        f"CREATE TRIGGER {FULL_TEXT}_update AFTER UPDATE ON {TABLE} BEGIN {take} {add} END",
        f"CREATE TRIGGER {FULL_TEXT}_insert AFTER INSERT ON {TABLE} BEGIN {add} END",
    ]
