from django.db import migrations

from warehouse_admin.core.trigrams import create_index, drop_index

NAME = "mirror_schedules_by_words"


def create(apps, schema_editor):
    create_index(
        schema_editor.connection,
        NAME,
        "mirror_savedquery",
        ["name", "latest_error"],
        "deleted_at IS NULL AND is_materialized",
    )


def drop(apps, schema_editor):
    drop_index(schema_editor.connection, NAME)


class Migration(migrations.Migration):
    dependencies = [("mirror", "0013_former_views")]

    operations = [migrations.RunPython(create, drop)]
