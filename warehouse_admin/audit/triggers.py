"""The database itself refuses to change or delete audit entries.

SQLite drops a table's triggers when a migration rebuilds the table: such a migration has to call `create` again.
"""

from __future__ import annotations

from typing import Any

TABLE = "audit_auditentry"
REFUSAL = "audit entries are never changed or deleted"

SQLITE_CREATE = [
    f"""CREATE TRIGGER IF NOT EXISTS audit_refuse_update BEFORE UPDATE ON {TABLE}
    BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS audit_refuse_delete BEFORE DELETE ON {TABLE}
    BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
    # INSERT OR REPLACE deletes the row in its way without firing the trigger above.
    f"""CREATE TRIGGER IF NOT EXISTS audit_refuse_replace BEFORE INSERT ON {TABLE}
    WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id OR sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",  # noqa: S608  constants only
]
SQLITE_DROP = [
    "DROP TRIGGER IF EXISTS audit_refuse_update",
    "DROP TRIGGER IF EXISTS audit_refuse_delete",
    "DROP TRIGGER IF EXISTS audit_refuse_replace",
]
POSTGRESQL_DROP = [
    f"DROP TRIGGER IF EXISTS audit_refuse_change ON {TABLE}",
    f"DROP TRIGGER IF EXISTS audit_refuse_truncate ON {TABLE}",
]
POSTGRESQL_CREATE = [
    f"""CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    *POSTGRESQL_DROP,
    f"""CREATE TRIGGER audit_refuse_change BEFORE UPDATE OR DELETE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION audit_refuse()""",
    f"""CREATE TRIGGER audit_refuse_truncate BEFORE TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()""",
]


def create(cursor: Any) -> None:
    """Put the triggers in place; harmless when they are there. `cursor` is Django's."""
    _run(cursor, {"sqlite": SQLITE_CREATE, "postgresql": POSTGRESQL_CREATE})


def drop(cursor: Any) -> None:
    """Take the triggers away: for emptying a test database and for reversing the migration."""
    _run(cursor, {"sqlite": SQLITE_DROP, "postgresql": POSTGRESQL_DROP})


def _run(cursor: Any, statements: dict[str, list[str]]) -> None:
    for statement in statements[cursor.db.vendor]:
        cursor.execute(statement)
