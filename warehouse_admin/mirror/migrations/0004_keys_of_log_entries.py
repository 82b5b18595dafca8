import hashlib
import json

from django.db import migrations
from django.db.models.functions import Length


def fingerprint(row):
    """What the key of an entry is made of from now on, read back from the row."""
    changes = row.detail.get("changes")
    told = [
        str(row.posthog_id) if row.posthog_id else None,
        row.created_at.isoformat(),
        row.activity,
        row.detail.get("name"),
        [change for change in changes if isinstance(change, dict)] if isinstance(changes, list) else [],
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def key_by_content(apps, schema_editor):
    # Entries were told apart by PostHog's id where they had one; a view's own log gives none on older servers.
    entries = apps.get_model("mirror", "RemoteActivity").objects
    for row in entries.annotate(length=Length("entry_key")).filter(length__lt=64).iterator(chunk_size=500):
        key = fingerprint(row)
        if not entries.filter(connection_id=row.connection_id, entry_key=key).exists():
            entries.filter(pk=row.pk).update(entry_key=key)


class Migration(migrations.Migration):
    dependencies = [("mirror", "0003_logs_of_views")]

    operations = [migrations.RunPython(key_by_content, migrations.RunPython.noop)]
