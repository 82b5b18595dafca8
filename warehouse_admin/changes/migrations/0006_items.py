"""A table for what each revision proposes, one row for each action on an object. Filled and put to use by the next two."""

import importlib

import django.db.models.deletion
from django.db import migrations, models

four_eyes = importlib.import_module("warehouse_admin.changes.migrations.0002_four_eyes")
ACTIONS = [
    ("create_view", "Create view"),
    ("edit_query", "Edit query"),
    ("rename", "Rename"),
    ("set_cadence", "Set cadence"),
    ("materialize", "Materialize"),
    ("unmaterialize", "Undo materialization"),
    ("delete", "Delete"),
]


class Migration(migrations.Migration):
    dependencies = [("changes", "0005_draft"), ("mirror", "0005_list_indexes")]

    operations = [
        # SQLite rebuilds the tables that they guard or read; 0008 creates them again.
        migrations.RunPython(four_eyes.release, four_eyes.protect),
        migrations.CreateModel(
            name="Item",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("action", models.CharField(choices=ACTIONS, max_length=20)),
                ("object_name", models.CharField(max_length=200)),
                ("base", models.JSONField(default=dict)),
                ("proposal", models.JSONField(default=dict)),
                ("dependents", models.JSONField(default=list)),
                (
                    "revision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="items", to="changes.revision"
                    ),
                ),
                (
                    "saved_query",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="mirror.savedquery",
                    ),
                ),
            ],
            options={"ordering": ["position"], "default_permissions": ()},
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.UniqueConstraint(fields=("revision", "position"), name="changes_item_positions"),
        ),
        migrations.AlterField(
            model_name="changerequest",
            name="action",
            field=models.CharField(choices=ACTIONS, max_length=20),
        ),
        migrations.AddField(
            model_name="changerequest",
            name="object_name",
            field=models.CharField(max_length=200, null=True),
        ),
        migrations.AddField(model_name="revision", name="requirements", field=models.JSONField(default=list)),
        migrations.AlterField(model_name="revision", name="base", field=models.JSONField(null=True)),
        migrations.AlterField(model_name="revision", name="proposal", field=models.JSONField(null=True)),
    ]
