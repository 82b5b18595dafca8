"""Lines of PostHog's own log, kept once whichever log told them: of the project, or of one view."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.services.clients import Purpose
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror.logged import told_sql
from warehouse_admin.mirror.models import RemoteActivity, SavedQuery
from warehouse_admin.mirror.selectors import history_ends
from warehouse_admin.mirror.texts import storable, storable_json
from warehouse_admin.posthog import errors, reads, types

LINES = 100
NOT_EDITS = frozenset({"sync_triggered", "sync_cancelled"})
logger = logging.getLogger(__name__)


def read_now(view: SavedQuery, *, purpose: Purpose = "interactive", timeout: float = 5) -> bool:
    """Ask for the newest lines about one view and keep them; False where they cannot be had just now. Never raises.

    A view with news is read again by the next sync: there may be more to them than whoever asks here looks at.
    """
    connection = view.connection
    if accounts.capability(connection, "activity").state == "no":
        return False
    try:
        entries = _read(view, purpose, timeout)
    except (errors.PermissionDenied, errors.NotFound, errors.Refused) as error:
        accounts.learn(connection, "activity", error)
        return False
    except (errors.PostHogError, UserError) as error:
        logger.info("the log of view %s could not be read: %s", view.posthog_id, type(error).__name__)
        return False
    accounts.learn(connection, "activity", None)
    with transaction.atomic():
        made = keep(connection, entries, is_history=history_ends(connection) is None)
        if any(row.activity not in NOT_EDITS for row in made):
            SavedQuery.objects.present().filter(pk=view.pk).update(needs_detail=True)
    return True


def _read(view: SavedQuery, purpose: Purpose, timeout: float) -> list[types.ActivityEntry]:
    client = accounts.client_for(view.connection, purpose=purpose, read_timeout=timeout)
    try:
        return reads.list_saved_query_activity(client, view.posthog_id, limit=LINES).results
    finally:
        client.close()


def keep(connection: Connection, entries: Iterable[types.ActivityEntry], *, is_history: bool) -> list[RemoteActivity]:
    """Add those that are new and give their rows; called inside a transaction."""
    made = [_row(connection, key, entry, is_history) for key, entry in new_entries(connection, entries).items()]
    RemoteActivity.objects.bulk_create(made, ignore_conflicts=True)
    return made


def new_entries(connection: Connection, entries: Iterable[types.ActivityEntry]) -> dict[str, types.ActivityEntry]:
    """The entries that are not here yet, by what tells them apart in every log."""
    fresh = {entry.fingerprint(): entry for entry in entries if entry.created_at is not None}
    known = RemoteActivity.objects.filter(connection=connection, entry_key__in=list(fresh))
    for key in known.values_list("entry_key", flat=True):
        del fresh[key]
    return fresh


def _row(connection: Connection, key: str, entry: types.ActivityEntry, is_history: bool) -> RemoteActivity:
    user = entry.user
    name = " ".join(part for part in (user.first_name, user.last_name) if part) if user else ""
    detail = entry.raw.get("detail")
    return RemoteActivity(
        connection=connection,
        entry_key=key,
        posthog_id=_uuid(entry.item_id),
        activity=storable(entry.activity, 60),
        user_email=storable(user.email if user else "", 254),
        user_name=storable(name, 200),
        is_system=entry.is_system,
        detail=storable_json(detail) if isinstance(detail, dict) else {},
        created_at=entry.created_at or timezone.now(),
        awaits_version=not is_history and told_sql(detail) is not None,
    )


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None
