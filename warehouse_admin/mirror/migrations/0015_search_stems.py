"""An index of the words of names and descriptions by their stems, so that `refunds` finds a refund."""

from django.db import migrations

from warehouse_admin.mirror.search import indexes


def create(apps, schema_editor):
    indexes.create_stems(schema_editor.connection)


def drop(apps, schema_editor):
    indexes.drop_stems(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("mirror", "0014_index_for_searches_of_schedules"),
    ]

    operations = [
        migrations.RunPython(create, drop, elidable=False),
    ]
