"""What a view's timeline tells of the trust in it: who vouched for it, and who asked people to build on it no more.

That a certification fell is told by the inbox, with what people made of it.
"""

from __future__ import annotations

from typing import Any

from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.catalog.models import Entry
from warehouse_admin.catalog.trusting import CERTIFIED, DEPRECATED, TAKEN_BACK
from warehouse_admin.mirror.history import Wanted
from warehouse_admin.mirror.hooks import Event, HistorySource

_SAID = {
    CERTIFIED: ("certified it", "badge", "ok"),
    DEPRECATED: ("deprecated it", "alert", "warn"),
    TAKEN_BACK: ("took back what was said of the trust in it", "undo", "muted"),
}


def _trust(wanted: Wanted) -> list[Event]:
    """From the trail, which keeps what was said before too."""
    about = {"object_id": str(wanted.view.posthog_id), "object_type": Entry.Kind.VIEW, "action__in": list(_SAID)}
    rows = AuditEntry.objects.filter(**about, connection=wanted.view.connection.slug, result=AuditEntry.Result.OK)
    return [_event(entry) for entry in wanted.newest(rows, "trust", "at")]


def _event(entry: AuditEntry) -> Event:
    said, icon, tone = _SAID[entry.action]
    return Event(
        entry.at, "trust", entry.pk, icon, tone, said + _more(entry.after), entry.actor_name, body=entry.reason
    )


def _more(after: Any) -> str:
    if not isinstance(after, dict):
        return ""
    if instead := after.get("instead"):
        return f": read {instead} instead"
    return f", up to {after['until']}" if after.get("until") else ""


SOURCES = (HistorySource("trust", frozenset({"trust"}), _trust),)
