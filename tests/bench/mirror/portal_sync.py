"""`python -m tests.bench.mirror.portal_sync prepare|now|queued`: connect an empty portal; or one sync of it."""

from __future__ import annotations

import os
import sys
import time

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from tests.bench.mirror.measuring import measured  # noqa: E402
from warehouse_admin.accounts import services as accounts  # noqa: E402
from warehouse_admin.accounts.models import Connection  # noqa: E402
from warehouse_admin.mirror import services  # noqa: E402
from warehouse_admin.mirror.models import SyncRun  # noqa: E402


def prepare() -> None:
    call_command("migrate", verbosity=0)
    made = accounts.save_connection(
        actor=None,
        slug="bench",
        name="Bench",
        host=os.environ["BENCH_HOST"],
        project_id="1",
        api_key=os.environ["BENCH_KEY"],
        budget_per_minute=int(os.environ["BENCH_PER_MINUTE"]),
        budget_per_hour=0,
    )
    accounts.check_connection(made)


def sync() -> None:
    connection = Connection.objects.get()
    with measured():
        started = services.start_sync(connection=connection, queue=False)
        ended = services.run_sync(started.pk)
    _expect_success(ended)


def sync_by_worker() -> None:
    """Queue a sync and wait for its end."""
    started = services.start_sync(connection=Connection.objects.get())
    while started.state in SyncRun.OPEN:
        time.sleep(0.2)
        started.refresh_from_db()
    _expect_success(started)


def _expect_success(ended: SyncRun | None) -> None:
    if ended is None or ended.state != SyncRun.State.SUCCEEDED:
        sys.exit(f"The sync did not succeed: {ended and ended.error}")


if __name__ == "__main__":
    {"prepare": prepare, "now": sync, "queued": sync_by_worker}[sys.argv[1]]()
