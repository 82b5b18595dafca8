"""Every sync writes to every row when it was seen. PostgreSQL writes such a row anew: into the same page, without a new
entry in each index, if there is room. Half of each page is kept free for that; the table then stays as large as it is
instead of growing by its own size with each sync until it is vacuumed.
"""

from django.db import migrations

TABLES = ("mirror_savedquery", "mirror_warehousetable")


def keep_room(apps, schema_editor):
    _each(schema_editor, "SET (fillfactor = 50)")


def fill(apps, schema_editor):
    _each(schema_editor, "RESET (fillfactor)")


def _each(schema_editor, what):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} {what}")


class Migration(migrations.Migration):
    dependencies = [("mirror", "0008_schedules_index")]

    operations = [migrations.RunPython(keep_room, fill, elidable=False)]
