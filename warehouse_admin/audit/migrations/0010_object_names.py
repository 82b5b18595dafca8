from __future__ import annotations

from typing import Any

from django.db import migrations, models

from warehouse_admin.audit import triggers
from warehouse_admin.core import trigrams

INDEX = "audit_name_of_object_trigrams"


def note_names(apps: Any, schema_editor: Any) -> None:
    """Those that are there, then each new one by itself."""
    told = f"SELECT DISTINCT object_name FROM {triggers.TABLE} WHERE object_name <> ''"  # noqa: S608
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {triggers.NAMES} (name) {told}")  # noqa: S608
        triggers.create(cursor)
    trigrams.create_index(schema_editor.connection, INDEX, triggers.NAMES, ["name"])


def forget_names(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        triggers.drop_note(cursor)
    trigrams.drop_index(schema_editor.connection, INDEX)


class Migration(migrations.Migration):
    dependencies = [("audit", "0009_saved_filters")]

    operations = [
        migrations.CreateModel(
            name="ObjectName",
            fields=[("name", models.CharField(max_length=200, primary_key=True, serialize=False))],
            options={"default_permissions": ()},
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["object_name", "-sequence"], name="audit_audit_object__1dce86_idx"),
        ),
        migrations.RunPython(note_names, forget_names),
    ]
