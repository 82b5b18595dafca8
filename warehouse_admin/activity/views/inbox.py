"""The inbox, one entry, and what happened to one view."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from warehouse_admin.accounts import policies
from warehouse_admin.activity import presenters, selectors
from warehouse_admin.activity.filters import PERIODS, TRUSTS, Filters
from warehouse_admin.activity.folding import Row, folded
from warehouse_admin.activity.impact import impact_of
from warehouse_admin.activity.meter import meter
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.review import PERMISSION
from warehouse_admin.activity.searches import searches_of
from warehouse_admin.activity.views.deeds import undo_offer
from warehouse_admin.activity.views.pane import known_entry, number, pane, person
from warehouse_admin.core.errors import Missing
from warehouse_admin.core.htmx import render_page, wants_fragment
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import SavedQuery

KIND_OPTIONS = [(str(kind), label) for kind, label in presenters.KINDS.items()]
PERIOD_OPTIONS = [(name, label) for name, (label, _) in PERIODS.items()]


@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """Folders, the list, and the chosen entry (`?entry=`, else the first) in the reading pane.

    While somebody types what they search for, the pane stays and follows after a pause, by itself.
    """
    filters, user = Filters.parse(request.GET), person(request)
    folders = selectors.folders(filters, user)
    total = next(folder.count for folder in folders if folder.active)
    page = selectors.entry_page(filters, user, total, request.GET.get("page"))
    entries = list(page.object_list)
    asked = number(request.GET.get("entry", ""))
    chosen = asked or (entries[0].pk if entries else None)
    follows = bool(filters.search) and asked is None and wants_fragment(request)
    listed = next((one for one in entries if one.pk == chosen), None)
    entry = selectors.entry_in_pane(chosen, listed) if chosen and not follows else None
    trusts = hooks.trusts_of({one.saved_query_id for one in (*entries, entry) if one and one.saved_query_id})
    context = {
        "filters": filters,
        "folders": _linked(request, folders),
        "page": page,
        "rows": folded(entries, chosen, trusts),
        "total": total if page.has_other_pages() else 0,
        "seen_at": timezone.now().isoformat(),
        "sources": ActivityEntry.Source.choices,
        "kinds": KIND_OPTIONS,
        "periods": PERIOD_OPTIONS,
        "trusts": TRUSTS.items(),
        "may_review": policies.allows(request.user, PERMISSION),
        "meter": meter(filters.connection),
        "searches": list(searches_of(user)),
        "undo": undo_offer(request),
        "last_outside": None if entries or filters.any_set else selectors.last_outside(),
        "next_entry": _next(entries, entry),
        "follows": chosen if follows else None,
        **pane(request, entry, trusts=trusts),
    }
    return render_page(request, "activity/inbox.html", "activity/_inbox.html", context)


def _next(entries: list[ActivityEntry], entry: ActivityEntry | None) -> int | None:
    """The entry that follows the chosen one, or the one before the last: where to go on after a click."""
    keys = [one.pk for one in entries]
    if entry is None or entry.pk not in keys:
        return keys[0] if keys else None
    at = keys.index(entry.pk)
    return next(iter(keys[at + 1 : at + 2] or keys[max(at - 1, 0) : at]), None)


def _linked(request: HttpRequest, folders: list[selectors.Folder]) -> list[dict[str, Any]]:
    kept = {name: values for name, values in request.GET.lists() if name not in ("page", "entry", "folder")}
    query = urlencode(kept, doseq=True)
    start = f"?{query}&" if query else "?"
    return [{"folder": folder, "url": f"{start}folder={folder.name}"} for folder in folders]


@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    return render_page(request, "activity/detail.html", "activity/_pane.html", pane(request, known_entry(pk)))


@require_GET
def impact(request: HttpRequest, pk: int) -> HttpResponse:
    """What an edit does to the views that read its own; a part of the reading pane."""
    context = impact_of(known_entry(pk))
    return render_page(request, "activity/impact.html", "activity/_impact.html", context)


@require_GET
def for_view(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    """What happened to one view; the view's page shows the fragment."""
    view = SavedQuery.objects.filter(posthog_id=posthog_id).only("name", "posthog_id").order_by("-pk").first()
    if view is None:
        raise Missing("There is no such view.")
    page = Paginator(selectors.entries_of_view(posthog_id), 25).get_page(request.GET.get("page"))
    rows = [Row([entry]) for entry in page.object_list]
    context = {"view": view, "page": page, "rows": rows}
    return render_page(request, "activity/for_view.html", "activity/_for_view.html", context)
