"""Co-authors, the role of a vote, what a revision has to meet; and triggers that know co-authors and later editors.

SQLite drops a table's triggers when a migration rebuilds the table, so all of them are made anew at the end.
"""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

OWN_VOTE = "nobody votes on their own change"
STILL_VOTES = "a standing vote is given up before its voter writes the change"
FIXED = "revisions are never changed"
# Whoever saved a revision of the same meaning wrote what is voted on. What was voided is kept, whoever cast it.
IS_OWN = """NEW.voter_id = (SELECT author_id FROM changes_changerequest WHERE id = NEW.change_id)
    OR NEW.change_id <> (SELECT change_id FROM changes_revision WHERE id = NEW.revision_id)
    OR NEW.voter_id = (SELECT editor_id FROM changes_revision WHERE id = NEW.revision_id)
    OR (NEW.voided_at IS NULL AND (
        EXISTS (SELECT 1 FROM changes_coauthor WHERE change_id = NEW.change_id AND person_id = NEW.voter_id)
        OR EXISTS (SELECT 1 FROM changes_revision same, changes_revision shown
            WHERE shown.id = NEW.revision_id AND same.change_id = shown.change_id
            AND same.meaning_digest = shown.meaning_digest AND same.editor_id = NEW.voter_id)))"""
VOTES = """EXISTS (SELECT 1 FROM changes_vote
    WHERE change_id = NEW.change_id AND voter_id = NEW.person_id AND voided_at IS NULL)"""
STANDING = {
    "four_eyes": ("changes_vote", "INSERT OR UPDATE", IS_OWN, OWN_VOTE),
    "co_author_votes_not": ("changes_coauthor", "INSERT OR UPDATE", VOTES, STILL_VOTES),
    "fixed_revision": ("changes_revision", "UPDATE", "1 = 1", FIXED),
}


def _sqlite_names(name, event):
    if event == "UPDATE":
        return {f"changes_{name}": "UPDATE"}
    return {f"changes_{name}_insert": "INSERT", f"changes_{name}_update": "UPDATE"}


def _drop(vendor):
    for name, (table, event, _, _) in STANDING.items():
        if vendor == "sqlite":
            yield from (f"DROP TRIGGER IF EXISTS {trigger}" for trigger in _sqlite_names(name, event))
            continue
        if table != "changes_coauthor":  # whose triggers go with it, and which is not there yet
            yield f"DROP TRIGGER IF EXISTS changes_{name} ON {table}"
        yield f"DROP FUNCTION IF EXISTS changes_{name} CASCADE"


def _create(vendor):
    for name, (table, event, condition, said) in STANDING.items():
        if vendor == "sqlite":
            for trigger, one in _sqlite_names(name, event).items():
                yield f"""CREATE TRIGGER {trigger} BEFORE {one} ON {table} WHEN {condition}
                BEGIN SELECT RAISE(ABORT, '{said}'); END"""
            continue
        yield f"""CREATE FUNCTION changes_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF {condition} THEN RAISE EXCEPTION '{said}' USING ERRCODE = 'integrity_constraint_violation'; END IF;
            RETURN NEW; END $$"""
        yield f"""CREATE TRIGGER changes_{name} BEFORE {event} ON {table}
            FOR EACH ROW EXECUTE FUNCTION changes_{name}()"""


def _run(schema_editor, statements):
    # Without parameters nothing is interpolated, so that per cent signs and braces are safe.
    with schema_editor.connection.cursor() as cursor:
        for statement in statements(schema_editor.connection.vendor):
            cursor.execute(statement)


def release(apps, schema_editor):
    _run(schema_editor, _drop)


def protect_as_before(apps, schema_editor):
    import_module("warehouse_admin.changes.migrations.0002_four_eyes").protect(apps, schema_editor)


def protect(apps, schema_editor):
    _run(schema_editor, _create)


def in_hand(apps, schema_editor):
    """So far a time that was given and missed said that an operator decides."""
    apps.get_model("changes", "ChangeRequest").objects.exclude(scheduled_for=None).update(by_hand=True)


def nothing(apps, schema_editor):
    """The time is still there."""


class Migration(migrations.Migration):
    dependencies = [
        ("changes", "0008_revision_of_items"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(release, protect_as_before),
        migrations.AddField(model_name="changerequest", name="by_hand", field=models.BooleanField(default=False)),
        migrations.AddField(
            model_name="vote", name="role", field=models.CharField(blank=True, default="reviewer", max_length=20)
        ),
        migrations.AlterField(model_name="vote", name="role", field=models.CharField(blank=True, max_length=20)),
        migrations.CreateModel(
            name="CoAuthor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("added_at", models.DateTimeField(auto_now_add=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "change",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="changes.changerequest"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("change", "person"), name="changes_one_co_author_once")
                ],
            },
        ),
        migrations.AddField(
            model_name="changerequest",
            name="co_authors",
            field=models.ManyToManyField(
                related_name="co_authored",
                through="changes.CoAuthor",
                through_fields=("change", "person"),
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunPython(in_hand, nothing),
        migrations.RunPython(protect, release),
    ]
