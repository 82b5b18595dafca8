"""Read the list of warehouse tables."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from warehouse_admin.core.bulk import update_rows
from warehouse_admin.mirror import rows
from warehouse_admin.mirror.models import WarehouseTable
from warehouse_admin.mirror.own_tables import note_columns
from warehouse_admin.mirror.sync.details import Reader
from warehouse_admin.mirror.sync.job import Job
from warehouse_admin.posthog import errors, reads, types

PAGE = 500
MAX_PAGES = 1_000


def read_tables(job: Job, reader: Reader) -> None:
    """List every table; like views, they are only gone when a list that held still did not have them."""
    if not job.may("tables"):
        return
    for _ in range(2):
        job.watch.cursor["tables_listed_at"] = timezone.now().isoformat()
        job.watch.cursor["tables_complete"] = False
        job.watch.phase("Reading the list of tables")
        try:
            complete = _crawl_once(job, reader)
        except errors.PermissionDenied as error:
            job.do_without("tables", "tables", error)
            return
        job.learn("tables", None)
        if complete:
            job.watch.cursor["tables_complete"] = True
            return


def _crawl_once(job: Job, reader: Reader) -> bool:
    seen: set[str] = set()
    offset, first_count = 0, None
    for number in range(MAX_PAGES):
        page, asked_at = job.fetcher.one(reads.list_tables, PAGE, offset)
        first_count = page.count if number == 0 else first_count
        store_page(job, [row for row in page.results if not row.deleted], asked_at)
        seen.update(row.id for row in page.results)
        offset += len(page.results)
        job.watch.step(len(page.results), total=page.count)
        reader.take_what_came()
        if not page.has_next or not page.results:
            return page.count is not None and page.count == first_count and len(seen) >= page.count
    return False


@transaction.atomic
def store_page(job: Job, listed: list[types.WarehouseTable], asked_at: datetime) -> None:
    """Write one page: unchanged rows by one update, the others in bulk."""
    values = {row.id: rows.table_values(row) for row in listed}
    tells_columns = {row.id for row in listed if row.columns is not None}
    prints = {key: rows.table_fingerprint(row) for key, row in values.items()}
    known = WarehouseTable.objects.select_for_update().filter(connection=job.connection, posthog_id__in=list(values))
    same, changed = [], []
    for table in known:
        fresh = values.pop(str(table.posthog_id))
        if table.synced_at is not None and table.synced_at > asked_at:
            continue
        if table.list_fingerprint == prints[str(table.posthog_id)] and table.deleted_at is None:
            same.append(table.pk)
            continue
        if str(table.posthog_id) in tells_columns:
            note_columns(table, fresh["columns"], asked_at)
        for name, value in fresh.items():
            setattr(table, name, value)
        table.synced_at, table.deleted_at = asked_at, None
        table.list_fingerprint = prints[str(table.posthog_id)]
        changed.append(table)
    WarehouseTable.objects.filter(pk__in=same).update(synced_at=asked_at)
    if changed:
        fields = [*rows.table_values(listed[0]), "synced_at", "deleted_at", "list_fingerprint"]
        update_rows(changed, fields)
    made = [
        WarehouseTable(
            connection=job.connection, posthog_id=key, synced_at=asked_at, list_fingerprint=prints[key], **fresh
        )
        for key, fresh in values.items()
    ]
    WarehouseTable.objects.bulk_create(made)
    job.watch.counts["tables"] += len(same) + len(changed) + len(made)
