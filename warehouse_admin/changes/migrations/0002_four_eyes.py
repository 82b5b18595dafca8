"""The database itself refuses a vote on one's own change and any edit of a revision.

SQLite drops a table's triggers when a migration rebuilds the table: such a migration has to create them again.
"""

from django.db import migrations

OWN_VOTE = "nobody votes on their own change"
FIXED = "revisions are never changed"
IS_OWN = """NEW.voter_id = (SELECT author_id FROM changes_changerequest WHERE id = NEW.change_id)
    OR NEW.voter_id = (SELECT editor_id FROM changes_revision WHERE id = NEW.revision_id)
    OR NEW.change_id <> (SELECT change_id FROM changes_revision WHERE id = NEW.revision_id)"""

SQLITE = [
    f"""CREATE TRIGGER changes_four_eyes_insert BEFORE INSERT ON changes_vote WHEN {IS_OWN}
    BEGIN SELECT RAISE(ABORT, '{OWN_VOTE}'); END""",
    f"""CREATE TRIGGER changes_four_eyes_update BEFORE UPDATE ON changes_vote WHEN {IS_OWN}
    BEGIN SELECT RAISE(ABORT, '{OWN_VOTE}'); END""",
    f"""CREATE TRIGGER changes_fixed_revision BEFORE UPDATE ON changes_revision
    BEGIN SELECT RAISE(ABORT, '{FIXED}'); END""",
]
SQLITE_REVERSE = [
    "DROP TRIGGER changes_four_eyes_insert",
    "DROP TRIGGER changes_four_eyes_update",
    "DROP TRIGGER changes_fixed_revision",
]
POSTGRESQL = [
    f"""CREATE FUNCTION changes_four_eyes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF {IS_OWN} THEN RAISE EXCEPTION '{OWN_VOTE}' USING ERRCODE = 'integrity_constraint_violation'; END IF;
    RETURN NEW; END $$""",
    """CREATE TRIGGER changes_four_eyes BEFORE INSERT OR UPDATE ON changes_vote
    FOR EACH ROW EXECUTE FUNCTION changes_four_eyes()""",
    f"""CREATE FUNCTION changes_fixed_revision() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION '{FIXED}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    """CREATE TRIGGER changes_fixed_revision BEFORE UPDATE ON changes_revision
    FOR EACH ROW EXECUTE FUNCTION changes_fixed_revision()""",
]
POSTGRESQL_REVERSE = [
    "DROP TRIGGER changes_four_eyes ON changes_vote",
    "DROP FUNCTION changes_four_eyes",
    "DROP TRIGGER changes_fixed_revision ON changes_revision",
    "DROP FUNCTION changes_fixed_revision",
]


def _run(schema_editor, statements):
    # Without parameters nothing is interpolated, so that per cent signs and braces are safe.
    with schema_editor.connection.cursor() as cursor:
        for statement in statements[schema_editor.connection.vendor]:
            cursor.execute(statement)


def protect(apps, schema_editor):
    _run(schema_editor, {"sqlite": SQLITE, "postgresql": POSTGRESQL})


def release(apps, schema_editor):
    _run(schema_editor, {"sqlite": SQLITE_REVERSE, "postgresql": POSTGRESQL_REVERSE})


class Migration(migrations.Migration):
    dependencies = [("changes", "0001_initial")]

    operations = [migrations.RunPython(protect, release)]
