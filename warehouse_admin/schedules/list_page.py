"""What the page of schedules is drawn from, in both of its layouts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.roles import RESUME
from warehouse_admin.core.formatting import cadence
from warehouse_admin.core.htmx import wants_fragment
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.cadences import CADENCES
from warehouse_admin.mirror.freshness import LastRead, last_read, with_reads
from warehouse_admin.mirror.hooks import BulkAct
from warehouse_admin.mirror.models import Confidence
from warehouse_admin.schedules import selectors
from warehouse_admin.schedules.filters import CHANGED, GRID, GROUPS, Filters
from warehouse_admin.schedules.grid import SPANS, grid_of, span_of
from warehouse_admin.schedules.holds import not_woken
from warehouse_admin.schedules.listing import Listing, listing
from warehouse_admin.schedules.methods import methods_for
from warehouse_admin.schedules.models import Campaign
from warehouse_admin.schedules.start import alternatives

GROUP_OPTIONS = [(name, by.label) for name, by in GROUPS.items()]
CHANGED_OPTIONS = [(name, label) for name, (label, _) in CHANGED.items()]
CADENCE_OPTIONS = [(name, cadence(name).capitalize()) for name in CADENCES] + [("none", "None")]


BULK = {
    Campaign.Action.RESUME: BulkAct("Resume", "play", "schedules:resume", "R"),
    Campaign.Action.PAUSE: BulkAct("Pause", "pause", "schedules:pause", "P"),
    Campaign.Action.RUN: BulkAct("Run now", "refresh", "schedules:bulk-run"),
    Campaign.Action.CADENCE: BulkAct("Cadence", "calendar", "schedules:cadence"),
}
"""What can be done with the schedules that are ticked."""


@dataclass(frozen=True)
class Sure:
    """How many of the schedules that match are known with one confidence."""

    confidence: str
    word: str
    count: int
    active: bool


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Everything that `schedules/list.html` shows."""
    filters = Filters.parse(request.GET)
    found = listing(filters, request.GET.get("page", 1))
    is_fragment = wants_fragment(request)  # which has no banners and no stamp
    scope = selectors.connections_of(filters.connection)
    in_scope = list(scope if is_fragment else not_woken(with_reads(scope)))
    reads = [] if is_fragment else [last_read(connection, timezone.now()) for connection in in_scope]
    connections = [connection for connection in in_scope if connection.is_active]
    context = {
        "filters": filters,
        "tiles": [tile for tile in found.tiles if tile.count or tile.active],
        "waking": found.waking,
        "page": found.page,
        "groups": found.groups,
        "sure": _sure(found, filters),
        "reads": reads,
        "doubts": _doubts(reads),
        "not_woken": not is_fragment and any(getattr(connection, "not_woken", False) for connection in in_scope),
        "tells_suspension": any(connection.generation == "D" for connection in connections),
        "group_options": GROUP_OPTIONS,
        "cadence_options": CADENCE_OPTIONS,
        "changed_options": CHANGED_OPTIONS,
        "chips": _chips(request, filters, found),
        "refusals": _refusals(connections),
        "bulk": [act for name, act in BULK.items() if policies.allows(request.user, methods_for(name)[0].permission)],
        "more_bulk": hooks.listed(hooks.bulk_acts, request.user),
        "no_bulk": f"{policies.who_may(RESUME)} resume, pause and run schedules.",
        "managed": sum(row.view.is_managed for row in found.page.object_list),
        "frozen_filter": request.GET.urlencode(),
        "next_group": _next_group(filters.group),
    }
    if filters.layout == GRID:
        span = span_of(request.GET.get("span", ""))
        context |= {
            "grid": grid_of([row.view for row in found.page.object_list], span, timezone.now()),
            "span_options": [(name, label) for name, (label, *_) in SPANS.items()],
        }
    return context


def _sure(found: Listing, filters: Filters) -> list[Sure]:
    words = {Confidence.CERTAIN: "certain", Confidence.LIKELY: "likely", Confidence.GUESS: "a guess"}
    counts = [(name, words[Confidence(name)], found.sure.get(name, 0)) for name in Confidence.values]
    return [Sure(name, word, count, filters.confidence == name) for name, word, count in counts if count]


def _doubts(reads: list[LastRead]) -> list[dict[str, str]]:
    """The connections whose schedules are shown as last known, and why."""
    return [{"connection": read.connection.name, "why": read.doubt} for read in reads if read.doubt]


def _refusals(connections: list[Connection]) -> list[dict[str, str]]:
    """The connections whose server or key will refuse a resume: why, and what works there instead."""
    found = []
    usual = methods_for(Campaign.Action.RESUME)[0]
    for connection in connections:
        capability = accounts.capability(connection, usual.capability)
        if capability.state == "no":
            ways = ", ".join(f"“{way.label}”" for way in alternatives(usual, connection, None))
            instead = f" What works there instead: {ways}. Resume… offers it." if ways else ""
            found.append({"connection": connection.name, "reason": f"{capability.reason}{instead}"})
    return found


def _chips(request: HttpRequest, filters: Filters, found: Listing) -> list[dict[str, str]]:
    """The filters that neither a tile nor a control of the toolbar shows."""
    rows = found.page.object_list
    first = rows[0].view if rows else None
    root = next((row.view for row in rows if row.view.posthog_id == filters.root), first and first.root_upstream)
    shown = {
        "cause": ("Cause", filters.cause and (first.cause[:80] if first else filters.cause)),
        "root": ("Waits for", filters.root and (root.name if root else str(filters.root))),
        "owner": ("Owner", filters.owner and ("nobody" if filters.owner == hooks.NOBODY else filters.owner)),
        "editor": ("Last editor", filters.editor),
        "confidence": ("Known for", filters.confidence),
        "wakes": ("Wakes up", filters.waking and "within 7 days"),
    }
    return [
        {"label": label, "value": str(value), "url": _without(request, name)}
        for name, (label, value) in shown.items()
        if value
    ]


def _without(request: HttpRequest, name: str) -> str:
    query = request.GET.copy()
    for gone in (name, "page"):
        query.pop(gone, None)
    return f"?{query.urlencode()}"


def _next_group(current: str) -> str:
    """What the key `G` groups by after this."""
    order = ["", *GROUPS]
    return order[(order.index(current) + 1) % len(order)]
