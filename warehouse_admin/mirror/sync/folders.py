"""Read the folders of views, on servers that have them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from warehouse_admin.mirror.models import Folder
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.mirror.texts import storable
from warehouse_admin.posthog import errors, reads
from warehouse_admin.posthog.types import Folder as RemoteFolder


def read_folders(job: Job) -> None:
    """One request: the list has no pages. What it lacks is gone, as nothing here hangs on a folder but its name."""
    if not job.may("folders"):
        return
    try:
        listed, asked_at = job.fetcher.one(reads.list_folders)
    except (errors.PermissionDenied, errors.NotFound) as error:
        job.learn("folders", error)
        return
    job.learn("folders", None)
    _store(job, listed, asked_at)


@transaction.atomic
def _store(job: Job, listed: list[RemoteFolder], asked_at: datetime) -> None:
    rows = {
        folder.id: Folder(
            connection=job.connection,
            posthog_id=storable(folder.id, 64),
            name=storable(folder.name, 200),
            synced_at=asked_at,
        )
        for folder in listed
    }
    Folder.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["connection", "posthog_id"],
        update_fields=["name", "synced_at"],
    )
    Folder.objects.filter(connection=job.connection).exclude(posthog_id__in=list(rows)).delete()
