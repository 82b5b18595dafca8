"""Syncs: what they did, how they are doing, starting and stopping them, and deciding about what vanished."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.roles import MANAGE_CONNECTIONS
from warehouse_admin.core.errors import Missing, NotPermitted, UserError
from warehouse_admin.core.htmx import render_page, wants_fragment
from warehouse_admin.core.states import look_of
from warehouse_admin.mirror import attention, overview, paging, progress, selectors, services
from warehouse_admin.mirror.errors import SyncRunning
from warehouse_admin.mirror.models import SavedQuery, SyncRun

HTMX_STOP_POLLING = 286
COUNTS = (
    ("pages", "Pages of lists"),
    ("created", "New views"),
    ("updated", "Changed views"),
    ("unchanged", "Unchanged views"),
    ("details", "Views read in full"),
    ("versions", "New SQL texts"),
    ("tables", "Tables"),
    ("runs", "New runs"),
    ("activity", "New log entries"),
    ("tombstoned", "Marked as deleted"),
    ("still_there", "Missing from the list but there"),
    ("detail_errors", "Could not be read"),
    ("requests", "Requests"),
)


@require_GET
def sync_list(request: HttpRequest) -> HttpResponse:
    fragment = wants_fragment(request)
    connections = list(Connection.objects.all())
    context = {
        "page": paging.page_of(selectors.sync_list(request.GET), request.GET),
        "states": [(state, look_of("sync", state).word) for state in SyncRun.State.values],
        "kinds": SyncRun.Kind.choices,
        "connection_names": [(one.slug, one.name) for one in connections],
        "standings": [] if fragment else overview.standings(_in_scope(connections, request.GET.get("connection", ""))),
        "may_sync": policies.allows(request.user, "mirror.start_sync"),
        "may_manage": policies.allows(request.user, MANAGE_CONNECTIONS),
    }
    return render_page(request, "mirror/syncs/list.html", "mirror/syncs/_table.html", context)


def _in_scope(connections: list[Connection], slug: str) -> list[Connection]:
    """The one of this slug, or all."""
    return [connection for connection in connections if slug in ("", "all", connection.slug)]


def _get(sync_id: uuid.UUID) -> SyncRun:
    sync = SyncRun.objects.select_related("connection", "started_by").filter(pk=sync_id).first()
    if sync is None:
        raise Missing("There is no such sync.")
    return sync


@require_GET
def sync_detail(request: HttpRequest, sync_id: uuid.UUID) -> HttpResponse:
    sync = _get(sync_id)
    is_open = sync.state in SyncRun.OPEN
    context = {
        "sync": sync,
        "is_open": is_open,
        "took": progress.taken(sync),
        "counts": [(label, sync.counts[name]) for name, label in COUNTS if sync.counts.get(name)],
        "waited": sync.counts.get("waited_seconds"),
        "waiting_until": progress.waiting_until(sync),
        "time_left": progress.time_left(sync),
        "phases": progress.phases(sync),
        "notes": progress.notes(sync),
        "may_sync": policies.allows(request.user, "mirror.start_sync"),
        **_vanished(sync, request.GET.get("page")),
        **_found(sync),
    }
    ends_polling = wants_fragment(request) and not is_open
    status = HTMX_STOP_POLLING if ends_polling else 200
    return render_page(request, "mirror/syncs/detail.html", "mirror/syncs/_status.html", context, status=status)


def _vanished(sync: SyncRun, number: str | None) -> dict[str, Any]:
    """A page of what a person has to decide about, which may be all that there was."""
    if not sync.vanished:
        return {}
    page = Paginator(sync.vanished, paging.DEFAULT).get_page(number)
    objects = selectors.objects_of(sync.connection, page.object_list)  # type: ignore[arg-type]
    return {"page": page, "vanished": [(isinstance(found, SavedQuery), found) for found in objects]}


def _found(sync: SyncRun) -> dict[str, Any]:
    """What this sync found changed, by kind; of a first sync everything is new, so it is only counted."""
    return {"found": selectors.found_by(sync), "taken_over": selectors.taken_over_by(sync)}


@require_POST
def sync_start(request: HttpRequest) -> HttpResponse:
    connection = Connection.objects.filter(slug=request.POST.get("connection", "")).first()
    if connection is None:
        raise Missing("There is no such connection.")
    kind = SyncRun.Kind.FULL if request.POST.get("kind") == SyncRun.Kind.FULL else SyncRun.Kind.INCREMENTAL
    try:
        sync = services.start_sync(connection=connection, kind=kind, started_by=request.user)  # type: ignore[arg-type]
    except SyncRunning as running:
        messages.info(request, running.message)
        sync = running.sync
    return redirect("mirror:sync-detail", sync.pk)


@require_POST
def sync_stop(request: HttpRequest, sync_id: uuid.UUID) -> HttpResponse:
    return _act(request, sync_id, services.request_stop)


@require_POST
def sync_confirm(request: HttpRequest, sync_id: uuid.UUID) -> HttpResponse:
    return _act(request, sync_id, attention.confirm_vanished)


@require_POST
def sync_dismiss(request: HttpRequest, sync_id: uuid.UUID) -> HttpResponse:
    return _act(request, sync_id, attention.dismiss_vanished)


def _act(request: HttpRequest, sync_id: uuid.UUID, action: Any) -> HttpResponse:
    """Do something with a sync and go back to its page, which tells what came of it."""
    sync = _get(sync_id)
    try:
        action(sync=sync, user=request.user)
    except NotPermitted:
        raise
    except UserError as error:
        messages.error(request, error.message)
    return redirect("mirror:sync-detail", sync.pk)
