"""The list of changes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from warehouse_admin.changes import drafts, readiness, searching, selectors, votes
from warehouse_admin.changes.views.people import signed_in, tab_counts
from warehouse_admin.core.htmx import render_page, wants_fragment
from warehouse_admin.core.paging import page_of

PAGE_SIZE = 50
NARROWING = ("q", "state", "author", "action", "saved_query", "connection")
TAB_LABELS = (
    ("my-turn", "My turn"),
    ("mine", "Mine"),
    ("open", "Open"),
    ("scheduled", "Scheduled"),
    ("needs-rebase", "Needs rebase"),
    ("unconfirmed", "Unconfirmed"),
    ("closed", "Closed"),
    ("all", "All"),
)
EMPTY = {
    "my-turn": ("Nothing waits for you", "Reviews, conflicts and applies that need you appear here."),
    "mine": ("You have no open change", "Open a view and choose Edit to propose one."),
    "open": ("No change is open", "Open a view and choose Edit to propose one."),
    "scheduled": ("No change is scheduled", "Approved changes that an operator gave a time wait here for it."),
    "needs-rebase": ("No change needs a rebase", "Changes whose view was edited in PostHog meanwhile appear here."),
    "unconfirmed": ("No change is unconfirmed", "Writes that PostHog never answered wait here until it is known."),
    "closed": ("No change is closed yet", "Applied, rejected and withdrawn changes appear here."),
    "all": ("No change was proposed yet", "Open a view and choose Edit to propose one."),
}


@require_GET
def change_list(request: HttpRequest) -> HttpResponse:
    """Tabs, search, sorting and paging, all in the URL."""
    params = request.GET.dict()
    tab = params.get("tab") if params.get("tab") in selectors.TABS else "open"
    params["tab"] = str(tab)
    params["connection"] = params.get("connection", "")
    changes = selectors.change_list(signed_in(request), params)
    tabs = [] if wants_fragment(request) else _tabs(request, params["tab"])
    whole = not any(params.get(name) for name in NARROWING)
    known = next((each["count"] for each in tabs if each["active"] and whole), None)
    page = page_of(changes, PAGE_SIZE, params.get("page"), searched=params.get("q"), counted=known)
    page.object_list = list(page.object_list)
    selectors.read_votes(page.object_list)
    for change in page.object_list:
        change.badge = readiness.badge(change)
        change.requirements = votes.tally(change).requirements
    title, text = EMPTY[params["tab"]]
    context = {
        "page": page,
        "tabs": tabs,
        "tab": params["tab"],
        "drafts": drafts.mine(signed_in(request)) if tab == "mine" and not wants_fragment(request) else [],
        "search_help": searching.HELP,
        "problems": searching.parse(params.get("q") or "", signed_in(request)).problems,
        "filtered": any(params.get(name) for name in NARROWING if name != "connection"),
        "empty_title": title,
        "empty_text": text,
    }
    return render_page(request, "changes/list.html", "changes/_table.html", context)


def _tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    counts = tab_counts(request)
    scope = request.GET.get("connection")
    more = f"&connection={scope}" if scope and scope.replace("-", "").replace("_", "").isalnum() else ""
    return [
        {"label": label, "url": f"?tab={key}{more}", "count": counts[key], "active": key == current}
        for key, label in TAB_LABELS
    ]
