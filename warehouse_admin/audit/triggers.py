"""The database itself refuses to change or delete audit entries, checkpoints and archives.

One way is open: entries that an archive speaks of may go. Archives are signed; a verification names one that is not.

And it notes the names of objects, so that a part of one is looked for among names instead of among entries.

SQLite drops a table's triggers when a migration rebuilds the table: such a migration has to call `create` again.
"""

from __future__ import annotations

from typing import Any

TABLE = "audit_auditentry"
REFUSAL = "audit entries are never changed or deleted"
ARCHIVES = "audit_archive"
NAMES = "audit_objectname"
_PROTECTED = {
    TABLE: ("audit_refuse", "sequence"),
    "audit_checkpoint": ("audit_checkpoint_refuse", "number"),
    ARCHIVES: ("audit_archive_refuse", "number"),
}
"""Each table with the prefix of its triggers' names and the column that numbers its rows."""

_FUNCTION = f"""CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$"""
_IS_ARCHIVED = f"EXISTS (SELECT 1 FROM {ARCHIVES} WHERE OLD.sequence BETWEEN from_sequence AND to_sequence)"  # noqa: S608
_DELETE_FUNCTION = f"""CREATE OR REPLACE FUNCTION audit_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF {_IS_ARCHIVED} THEN RETURN OLD; END IF;
    RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$"""

_NOTE = "audit_note_name"
_SQLITE_NOTE = [
    f"""CREATE TRIGGER IF NOT EXISTS {_NOTE} AFTER INSERT ON {TABLE} WHEN NEW.object_name <> ''
    BEGIN INSERT INTO {NAMES} (name) VALUES (NEW.object_name) ON CONFLICT DO NOTHING; END"""  # noqa: S608
]
_POSTGRESQL_NOTE = [
    f"""CREATE OR REPLACE FUNCTION {_NOTE}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO {NAMES} (name) VALUES (NEW.object_name) ON CONFLICT DO NOTHING; RETURN NULL; END $$""",  # noqa: S608
    f"DROP TRIGGER IF EXISTS {_NOTE} ON {TABLE}",
    f"""CREATE TRIGGER {_NOTE} AFTER INSERT ON {TABLE} FOR EACH ROW WHEN (NEW.object_name <> '')
    EXECUTE FUNCTION {_NOTE}()""",
]


def create(cursor: Any, *, archives: bool = True) -> None:
    """Put the triggers in place, harmless when they are there. `cursor` is Django's; without `archives` none may go."""
    present = _present(cursor)
    for table in present:
        may_go = archives and table == TABLE and ARCHIVES in present
        make = _sqlite_create if cursor.db.vendor == "sqlite" else _postgresql_create
        _run(cursor, make(table, may_go))
    if NAMES in _tables(cursor):
        _run(cursor, _SQLITE_NOTE if cursor.db.vendor == "sqlite" else _POSTGRESQL_NOTE)


def drop(cursor: Any) -> None:
    """Take the triggers away: for emptying a test database and for reversing the migration."""
    for table in _present(cursor):
        _run(cursor, _sqlite_drop(table) if cursor.db.vendor == "sqlite" else _postgresql_drop(table))
    drop_note(cursor)


def drop_note(cursor: Any) -> None:
    """Names are noted no more: for reversing that migration."""
    on_table = "" if cursor.db.vendor == "sqlite" else f" ON {TABLE}"
    cursor.execute(f"DROP TRIGGER IF EXISTS {_NOTE}{on_table}")


def _present(cursor: Any) -> list[str]:
    """The tables there are: the first migration comes before the later ones' tables."""
    there = _tables(cursor)
    return [table for table in _PROTECTED if table in there]


def _tables(cursor: Any) -> set[str]:
    return set(cursor.db.introspection.table_names(cursor))


def _run(cursor: Any, statements: list[str]) -> None:
    for statement in statements:
        cursor.execute(statement)


def _sqlite_create(table: str, may_go: bool) -> list[str]:
    name, number = _PROTECTED[table]
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    unless = f"WHEN NOT {_IS_ARCHIVED}" if may_go else ""
    return [
        f"CREATE TRIGGER IF NOT EXISTS {name}_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER IF NOT EXISTS {name}_delete BEFORE DELETE ON {table} {unless} {refuse}",
        # INSERT OR REPLACE deletes the row in its way without firing the trigger above.
        f"""CREATE TRIGGER IF NOT EXISTS {name}_replace BEFORE INSERT ON {table}
        WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id OR {number} = NEW.{number}) {refuse}""",  # noqa: S608
    ]


def _sqlite_drop(table: str) -> list[str]:
    name, _ = _PROTECTED[table]
    return [f"DROP TRIGGER IF EXISTS {name}_{event}" for event in ("update", "delete", "replace")]


def _postgresql_create(table: str, may_go: bool) -> list[str]:
    name, _ = _PROTECTED[table]
    on_delete = "audit_refuse_delete" if may_go else "audit_refuse"
    return [
        _FUNCTION,
        *([_DELETE_FUNCTION] if may_go else []),
        *_postgresql_drop(table),
        f"CREATE TRIGGER {name}_change BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
        f"CREATE TRIGGER {name}_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {on_delete}()",
        f"CREATE TRIGGER {name}_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    ]


def _postgresql_drop(table: str) -> list[str]:
    name, _ = _PROTECTED[table]
    return [f"DROP TRIGGER IF EXISTS {name}_{event} ON {table}" for event in ("change", "delete", "truncate")]
