"""What was checked of a revision, kept as fixed as the revision itself."""

import importlib

import django.db.models.deletion
from django.db import migrations, models


four_eyes = importlib.import_module("warehouse_admin.changes.migrations.0002_four_eyes")
FIXED = "checks of a revision are never changed"
PROTECT = {
    "sqlite": [
        f"""CREATE TRIGGER changes_fixed_look BEFORE UPDATE ON changes_look
        BEGIN SELECT RAISE(ABORT, '{FIXED}'); END"""
    ],
    "postgresql": [
        f"""CREATE FUNCTION changes_fixed_look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION '{FIXED}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
        """CREATE TRIGGER changes_fixed_look BEFORE UPDATE ON changes_look
        FOR EACH ROW EXECUTE FUNCTION changes_fixed_look()""",
    ],
}
RELEASE = {
    "sqlite": ["DROP TRIGGER changes_fixed_look"],
    "postgresql": ["DROP TRIGGER changes_fixed_look ON changes_look", "DROP FUNCTION changes_fixed_look"],
}


def protect(apps, schema_editor):
    four_eyes._run(schema_editor, PROTECT)


def release(apps, schema_editor):
    four_eyes._run(schema_editor, RELEASE)


class Migration(migrations.Migration):

    dependencies = [
        ('changes', '0012_descriptions_and_folders'),
    ]

    operations = [
        migrations.CreateModel(
            name='Look',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('found', models.JSONField()),
                ('revision', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='looks', to='changes.revision')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.RunPython(protect, release),
    ]
