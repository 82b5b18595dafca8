"""Threads about lines, suggestions, and whose suggestion is part of a revision: they never vote for what it means.

SQLite drops a table's triggers when a migration rebuilds the table: one that does has to make these again too.
"""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

former = import_module("warehouse_admin.changes.migrations.0009_co_authors_and_votes")
STILL_VOTES = "a standing vote is given up before what its voter suggested becomes a part of what it is for"
FIXED = "credits are never changed"
# The vote of whoever suggested a part of what is voted on; what was voided is kept.
IS_OWN = f"""{former.IS_OWN} OR (NEW.voided_at IS NULL AND EXISTS (
    SELECT 1 FROM changes_credit credit, changes_revision same, changes_revision shown
    WHERE shown.id = NEW.revision_id AND same.change_id = shown.change_id
    AND same.meaning_digest = shown.meaning_digest AND credit.revision_id = same.id
    AND credit.person_id = NEW.voter_id))"""
VOTES = """EXISTS (SELECT 1 FROM changes_vote vote, changes_revision same, changes_revision credited
    WHERE credited.id = NEW.revision_id AND same.change_id = credited.change_id
    AND same.meaning_digest = credited.meaning_digest AND vote.revision_id = same.id
    AND vote.voter_id = NEW.person_id AND vote.voided_at IS NULL)"""
STANDING = {
    "four_eyes": ("changes_vote", "INSERT OR UPDATE", IS_OWN, former.OWN_VOTE),
    "credited_votes_not": ("changes_credit", "INSERT", VOTES, STILL_VOTES),
    "fixed_credit": ("changes_credit", "UPDATE", "1 = 1", FIXED),
}


def _sqlite_names(name, event):
    events = event.split(" OR ")
    return {f"changes_{name}_{one.lower()}" if len(events) > 1 else f"changes_{name}": one for one in events}


def _drop(vendor):
    for name, (table, event, _, _) in STANDING.items():
        if vendor == "sqlite":
            yield from (f"DROP TRIGGER IF EXISTS {trigger}" for trigger in _sqlite_names(name, event))
        else:
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


def protect(apps, schema_editor):
    former._run(schema_editor, _drop)  # the former rule about votes has the same name
    former._run(schema_editor, _create)


def release(apps, schema_editor):
    """With the credits the rule about them goes; the former one about votes comes back."""
    former._run(schema_editor, _drop)
    former.release(apps, schema_editor)
    former.protect(apps, schema_editor)


class Migration(migrations.Migration):

    dependencies = [
        ('changes', '0013_checks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Thread',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision_number', models.PositiveIntegerField()),
                ('side', models.CharField(choices=[('base', 'Base'), ('proposal', 'Proposal')], max_length=10)),
                ('first_line', models.PositiveIntegerField()),
                ('last_line', models.PositiveIntegerField()),
                ('quoted', models.TextField(blank=True)),
                ('places', models.JSONField(default=dict)),
                ('opened_at', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(null=True)),
                ('change', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='threads', to='changes.changerequest')),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='changes.item')),
                ('opened_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('resolved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['pk'],
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='changeevent',
            name='thread',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='changes.thread'),
        ),
        migrations.CreateModel(
            name='ThreadComment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('text', models.TextField(blank=True)),
                ('is_suggestion', models.BooleanField(default=False)),
                ('replacement', models.TextField(blank=True)),
                ('decision', models.CharField(blank=True, choices=[('', 'Open'), ('accepted', 'Accepted'), ('declined', 'Declined')], default='', max_length=10)),
                ('decided_at', models.DateTimeField(null=True)),
                ('nonce', models.CharField(blank=True, max_length=64)),
                ('accepted_in', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='changes.revision')),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('thread', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='changes.thread')),
            ],
            options={
                'ordering': ['pk'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Credit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('revision', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='credits', to='changes.revision')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('revision', 'person'), name='changes_one_credit_once')],
            },
        ),
        migrations.AddIndex(
            model_name='thread',
            index=models.Index(fields=['change', 'resolved_at'], name='changes_thr_change__1233db_idx'),
        ),
        migrations.AddConstraint(
            model_name='thread',
            constraint=models.CheckConstraint(condition=models.Q(('first_line__gte', 1), ('last_line__gte', models.F('first_line'))), name='changes_thread_lines'),
        ),
        migrations.AddConstraint(
            model_name='threadcomment',
            constraint=models.UniqueConstraint(condition=models.Q(('nonce', ''), _negated=True), fields=('author', 'nonce'), name='changes_one_comment_per_form'),
        ),
        migrations.RunPython(protect, release),
    ]
