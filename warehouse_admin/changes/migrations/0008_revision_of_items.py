"""Revisions no longer hold the texts that their items hold, and items are as fixed as revisions."""

import importlib

import django.db.models.deletion
from django.db import migrations, models

four_eyes = importlib.import_module("warehouse_admin.changes.migrations.0002_four_eyes")
FIXED = "items are never changed"
PROTECT = {
    "sqlite": [
        f"""CREATE TRIGGER changes_fixed_item BEFORE UPDATE ON changes_item
        BEGIN SELECT RAISE(ABORT, '{FIXED}'); END"""
    ],
    "postgresql": [
        f"""CREATE FUNCTION changes_fixed_item() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION '{FIXED}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
        """CREATE TRIGGER changes_fixed_item BEFORE UPDATE ON changes_item
        FOR EACH ROW EXECUTE FUNCTION changes_fixed_item()""",
    ],
}
RELEASE = {
    "sqlite": ["DROP TRIGGER changes_fixed_item"],
    "postgresql": ["DROP TRIGGER changes_fixed_item ON changes_item", "DROP FUNCTION changes_fixed_item"],
}


def protect(apps, schema_editor):
    four_eyes._run(schema_editor, PROTECT)


def release(apps, schema_editor):
    four_eyes._run(schema_editor, RELEASE)


class Migration(migrations.Migration):
    dependencies = [("changes", "0007_fill_items")]

    operations = [
        migrations.RemoveField(model_name="revision", name="base"),
        migrations.RemoveField(model_name="revision", name="proposal"),
        migrations.AlterField(
            model_name="changerequest", name="object_name", field=models.CharField(max_length=200)
        ),
        migrations.AlterField(
            model_name="changerequest",
            name="saved_query",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="changes",
                to="mirror.savedquery",
            ),
        ),
        migrations.RunPython(protect, release),
        migrations.RunPython(four_eyes.protect, four_eyes.release),
    ]
