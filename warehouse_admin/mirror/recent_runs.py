"""Read the newest runs outside of a sync, where somebody waits to see what came of an act."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import told_runs
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.posthog import errors, reads
from warehouse_admin.posthog.client import Client

PAGE = 100
PAGES = 3
HISTORIES = 10
"""So many views are asked for one by one where the feed may not be read."""
OVERLAP = timedelta(minutes=2)
logger = logging.getLogger(__name__)


def read_recent_runs(connection: Connection, views: Iterable[SavedQuery], since: datetime) -> bool:
    """Keep what PostHog tells of runs that began after `since`; false where it could not be read. Never raises.

    The feed tells of all views at once; where the key may not read it, `views` are asked for. Syncs read the feed
    again from where they left it: what is kept here opens no gap.
    """
    try:
        with closing(accounts.client_for(connection, purpose="background")) as client:
            return _read(client, connection, views, since)
    except (errors.PostHogError, UserError) as error:  # a key that is refused is one too
        logger.info("runs of %s could not be read: %s", connection.slug, type(error).__name__)
        return False


def _read(client: Client, connection: Connection, views: Iterable[SavedQuery], since: datetime) -> bool:
    if accounts.capability(connection, "jobs").state != "no" and _read_feed(client, connection, since):
        return True
    return accounts.capability(connection, "run_history").state != "no" and _read_histories(client, views)


def _read_feed(client: Client, connection: Connection, since: datetime) -> bool:
    by_id = told_runs.views_by_id(connection)
    cursor: str | None = None
    for _ in range(PAGES):
        try:
            page = reads.list_jobs(client, cursor=cursor, limit=PAGE)
        except (errors.PermissionDenied, errors.NotFound) as error:
            accounts.learn(connection, "jobs", error)
            return False
        told_runs.keep_jobs(page.results, by_id)
        oldest = min((row.created_at for row in page.results if row.created_at), default=None)
        cursor = page.cursor
        if not page.has_next or not cursor or oldest is None or oldest < since - OVERLAP:
            break
    return True


def _read_histories(client: Client, views: Iterable[SavedQuery]) -> bool:
    for view in list(views)[:HISTORIES]:
        try:
            told_runs.keep_history(view.pk, reads.run_history(client, view.posthog_id))
        except errors.NotFound:
            continue  # gone, or never run: the next sync finds out
    return True
