"""Keep the parsed query beside what was read from it; every view is parsed once more after the next sync."""

from django.db import migrations, models


def parse_again(apps, schema_editor):
    apps.get_model("lineage", "Reading").objects.update(query_hash="")


class Migration(migrations.Migration):
    dependencies = [("lineage", "0001_initial")]

    operations = [
        migrations.AddField("reading", "tree", models.BinaryField(null=True)),
        migrations.RunPython(parse_again, migrations.RunPython.noop),
    ]
