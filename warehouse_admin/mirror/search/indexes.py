"""The indexes over the search texts: of their letters by threes, and of the words of names and descriptions by stem.

The first is trigrams in PostgreSQL, FTS5 with its trigram tokenizer in SQLite; the second the full-text search of each.

Either may be missing: PostgreSQL needs an extension that the database's owner may not be allowed to create, SQLite has
the tokenizer since 3.34. A search is then read text by text: slower, and as right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError, transaction

TABLE = "mirror_searchtext"
TRIGRAMS = "mirror_searchtext_trigrams"
FULL_TEXT = "mirror_searchtext_parts"
STEMS = "mirror_searchtext_stems"
LANGUAGE = "english"
"""Whose endings are taken off words; words of other languages are still found by their letters."""
COLUMNS = ("about", "columns", "query")
SHORTEST = 3
"""Shorter words have no part of three letters to look up."""
MOST_PARTS = 16
"""So many parts of a long word narrow enough; what they find is compared anyway."""

_there: dict[tuple[str, str], bool] = {}


def create(connection: Any) -> bool:
    """Make the index unless it is there; false where the database cannot have it. Harmless to call again."""
    if is_there(connection, look=True):
        return True
    statements = _sqlite() if connection.vendor == "sqlite" else _postgresql()
    return _made(connection, statements) and is_there(connection, look=True)


def drop(connection: Any) -> None:
    """Take it away. The extension stays: others may use it."""
    _drop(connection, TRIGRAMS, FULL_TEXT)


def is_there(connection: Any, *, look: bool = False) -> bool:
    """Whether this database has it; asked once for each process, or anew with `look`."""
    return _has(connection, TRIGRAMS, f"{FULL_TEXT}_insert", look)


def _made(connection: Any, statements: list[str]) -> bool:
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except DatabaseError:  # no such tokenizer, no such extension, or no right to create it
        return False
    return True


def _drop(connection: Any, index: str, table: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for event in ("insert", "update", "delete"):
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{event}")
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
        else:
            cursor.execute(f"DROP INDEX IF EXISTS {index}")
    _there.clear()


def _has(connection: Any, index: str, trigger: str, look: bool) -> bool:
    key = (str(connection.settings_dict["NAME"]), index)
    if look or key not in _there:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("SELECT 1 FROM sqlite_master WHERE name = %s", [trigger])
            else:
                cursor.execute("SELECT to_regclass(%s)", [index])
            _there[key] = (cursor.fetchone() or (None,))[0] is not None
    return _there[key]


def create_stems(connection: Any) -> bool:
    """The same for the index of stems, which PostgreSQL always can have."""
    if has_stems(connection, look=True):
        return True
    statements = _sqlite_stems() if connection.vendor == "sqlite" else _postgresql_stems()
    return _made(connection, statements) and has_stems(connection, look=True)


def drop_stems(connection: Any) -> None:
    """Take it away again."""
    _drop(connection, STEMS, STEMS)


def has_stems(connection: Any, *, look: bool = False) -> bool:
    """Whether this database has the index of stems; asked once for each process, or anew with `look`."""
    return _has(connection, STEMS, f"{STEMS}_insert", look)


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


def _postgresql_stems() -> list[str]:
    return [f"CREATE INDEX {STEMS} ON {TABLE} USING gin (to_tsvector('{LANGUAGE}', about))"]


def _sqlite() -> list[str]:
    return _full_text(FULL_TEXT, COLUMNS, "tokenize='trigram', detail=none")


def _sqlite_stems() -> list[str]:
    return _full_text(STEMS, ("about",), "tokenize='porter unicode61'")


def _full_text(table: str, columns: Sequence[str], options: str) -> list[str]:
    """The triggers sit on a table that is written in the background only; rebuilding that table would drop them."""
    names = ", ".join(columns)
    new, old = (", ".join(f"{row}.{name}" for name in columns) for row in ("new", "old"))
    add = f"INSERT INTO {table}(rowid, {names}) VALUES (new.id, {new});"  # noqa: S608
    take = f"INSERT INTO {table}({table}, rowid, {names}) VALUES ('delete', old.id, {old});"  # noqa: S608
    return [
        f"CREATE VIRTUAL TABLE {table} USING fts5({names}, content='{TABLE}', content_rowid='id', {options})",
        f"INSERT INTO {table}({table}) VALUES ('rebuild')",  # noqa: S608
        f"CREATE TRIGGER {table}_delete AFTER DELETE ON {TABLE} BEGIN {take} END",
        f"CREATE TRIGGER {table}_update AFTER UPDATE ON {TABLE} BEGIN {take} {add} END",
        f"CREATE TRIGGER {table}_insert AFTER INSERT ON {TABLE} BEGIN {add} END",
    ]
