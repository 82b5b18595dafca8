from __future__ import annotations

from typing import Any

from django.db import migrations, models

import warehouse_admin.activity.teasers

BATCH = 500


def note_asked(apps: Any, schema_editor: Any) -> None:
    """Those that were asked about, so that nobody looks for questions about the others."""
    entries = apps.get_model("activity", "ActivityEntry").objects.using(schema_editor.connection.alias)
    entries.filter(questions__isnull=False).update(was_asked=True)


def write(apps: Any, schema_editor: Any) -> None:
    """Entries from before have what differs in them, so that it can be told."""
    entries = apps.get_model("activity", "ActivityEntry").objects.using(schema_editor.connection.alias)
    told = entries.filter(before__isnull=False, after__isnull=False).only("before", "after").order_by("pk")
    last = 0
    while batch := list(told.filter(pk__gt=last)[:BATCH]):
        for entry in batch:
            entry.teaser = warehouse_admin.activity.teasers.teaser(entry.before, entry.after)
        entries.bulk_update(batch, ["teaser"])
        last = batch[-1].pk


class Migration(migrations.Migration):
    dependencies = [("activity", "0004_index_for_searches")]

    operations = [
        migrations.AddField(
            model_name="activityentry",
            name="teaser",
            field=warehouse_admin.activity.teasers.TeaserField(default=list),
        ),
        migrations.AddField(
            model_name="activityentry",
            name="was_asked",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(write, migrations.RunPython.noop),
        migrations.RunPython(note_asked, migrations.RunPython.noop),
    ]
