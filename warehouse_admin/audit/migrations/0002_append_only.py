from django.db import migrations

from warehouse_admin.audit import triggers


def protect(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        triggers.create(cursor)
    apps.get_model("audit", "ChainHead").objects.get_or_create(pk=1)


def release(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        triggers.drop(cursor)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(protect, release)]
