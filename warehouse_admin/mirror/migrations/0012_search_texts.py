"""Copies of the views' texts for the search, with an index over them where the database can have one.

Every view is stale at first: the copies are made in the background after the next sync.
"""

import django.db.models.deletion
from django.db import migrations, models

from warehouse_admin.mirror.search import indexes


def create(apps, schema_editor):
    indexes.create(schema_editor.connection)


def drop(apps, schema_editor):
    indexes.drop(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("mirror", "0011_folders_and_lineage_of_posthog"),
    ]

    operations = [
        migrations.AddField(
            model_name="savedquery",
            name="search_stale",
            field=models.BooleanField(default=True),
        ),
        migrations.AddIndex(
            model_name="savedquery",
            index=models.Index(fields=["id"], condition=models.Q(("search_stale", True)), name="mirror_stale_search"),
        ),
        migrations.CreateModel(
            name="SearchText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("about", models.TextField()),
                ("columns", models.TextField(blank=True)),
                ("query", models.TextField(blank=True)),
                (
                    "saved_query",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="search_text", to="mirror.savedquery"
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunPython(create, drop, elidable=False),
    ]
