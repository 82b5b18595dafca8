from django.db import migrations

from warehouse_admin.core.trigrams import create_index, drop_index

NAME = "activity_by_words"


def create(apps, schema_editor):
    create_index(schema_editor.connection, NAME, "activity_activityentry", ["object_name", "author", "note"])


def drop(apps, schema_editor):
    drop_index(schema_editor.connection, NAME)


class Migration(migrations.Migration):
    dependencies = [("activity", "0003_inbox_and_ledger")]

    operations = [migrations.RunPython(create, drop)]
