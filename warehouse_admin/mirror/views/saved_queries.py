"""The list of views and the page of one view."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_POST

from warehouse_admin.accounts import policies
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.roles import PROPOSE, RUN
from warehouse_admin.core.errors import Missing, UserError
from warehouse_admin.core.formatting import cadence
from warehouse_admin.core.htmx import render_page, wants_fragment
from warehouse_admin.core.sqltext import highlighted_lines
from warehouse_admin.core.views import whole_text
from warehouse_admin.mirror import authorship, history, hooks, paging, remote_lineage, selectors, services
from warehouse_admin.mirror.blame import roots_of_runs
from warehouse_admin.mirror.cadences import CADENCES
from warehouse_admin.mirror.models import SavedQuery, SavedQueryVersion, ScheduleState, SyncRun
from warehouse_admin.mirror.run_summary import summary_of
from warehouse_admin.mirror.search import vocabulary
from warehouse_admin.mirror.search.conditions import Found
from warehouse_admin.mirror.search.operators import Asked
from warehouse_admin.mirror.search.snippets import Snippet, snippets
from warehouse_admin.mirror.search.suggestions import suggestions
from warehouse_admin.mirror.states import KEPT_BY_POSTHOG

TABS = (
    ("", "All", "all"),
    ("attention", "Needs attention", "attention"),
    ("materialized", "Materialized", "materialized"),
    ("outside", "Changed outside", "outside"),
    ("archived", "Archived", "archived"),
)
HOPS = ((1, "1 step"), (2, "2 steps"), (3, "3 steps"))
"""How far the picture of lineage goes."""
VIEW_TABS = (("query", "Query"), ("lineage", "Lineage"), ("runs", "Runs"), ("history", "History"))
FILTERS = ("q", "state", "kind", "viewset", "folder", "cadence", "deleted")
KINDS = [("view", "View"), ("materialized", "Materialized"), ("managed", "Managed")]
CHART = 40
VERSIONS, ALL_VERSIONS = 20, 1_000


@require_GET
def view_list(request: HttpRequest) -> HttpResponse:
    counts, folders, viewsets = _counts(request)
    search = selectors.search_of(request.GET.get("q", ""), request.user, request.GET.get("connection", ""))
    page = paging.page_of(selectors.view_list(request.GET, search), request.GET, counts["matching"])
    is_empty = counts["all"] + counts["archived"] == 0
    # A fragment shows syncs only where there is nothing else to show.
    shows_syncs = is_empty or not wants_fragment(request)
    newest, good = selectors.newest_and_good(request.GET) if shows_syncs else (None, None)
    context = {
        "page": page,
        "rows": _rows(page, search),
        "search": search,
        "ranked": bool(search.words) and not request.GET.get("sort"),
        "search_operators": vocabulary.operators().values(),
        "tabs": _tabs(request, counts),
        "chips": _chips(request),
        "filtered": any(request.GET.get(name) for name in FILTERS),
        "tab": request.GET.get("tab", ""),
        "states": ScheduleState.choices,
        "kinds": KINDS,
        "cadences": [(name, cadence(name).capitalize()) for name in CADENCES] + [("none", "None")],
        **_groups(request, folders, viewsets),
        "sizes": paging.SIZES,
        "newest": newest,
        "good": good,
        "is_running": newest is not None and newest.state in SyncRun.OPEN,
        "is_empty": is_empty,
        "no_connection": counts["all"] == 0 and newest is None and not Connection.objects.exists(),
        "may_sync": policies.allows(request.user, "mirror.start_sync"),
        "bulk": hooks.listed(hooks.bulk_acts, request.user),
        "frozen_filter": request.GET.urlencode(),
        "new_view_url": _new_view_url(request),
    }
    return render_page(request, "mirror/views/list.html", "mirror/views/_table.html", context)


def _counts(request: HttpRequest) -> tuple[dict[str, int], list[str], list[str]]:
    """How many there are, and what they are grouped by in PostHog, of which a fragment shows nothing."""
    if wants_fragment(request):
        return selectors.view_counts(request.GET), [], []
    return selectors.counts_and_groups(request.GET)


def _groups(request: HttpRequest, folders: list[str], viewsets: list[str]) -> dict[str, Any]:
    """What views are grouped by in PostHog: folders, and what it manages itself. Neither where it has none."""
    of_managed = request.GET.get("kind") == "managed"
    return {
        "folders": [*((name, name) for name in folders), ("none", "No folder")] if folders else [],
        "viewsets": [(kind, words_of(kind)) for kind in viewsets],
        "shows_viewsets": of_managed or "viewset" in request.GET,
        "grouped": of_managed and not (request.GET.get("sort") or request.GET.get("q")),
    }


def words_of(viewset: str) -> str:
    """`revenue_analytics` for people."""
    return viewset.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Row:
    """One line of the list; runs oldest first."""

    view: SavedQuery
    runs: list[Any]
    downstream_count: int
    open_change: Any
    said: hooks.Description
    snippet: Snippet | None


def _rows(page: Page[SavedQuery], search: Found) -> list[Row]:
    """What the lines show beside the columns of their views, each in one query for the whole page."""
    views = list(page.object_list)
    runs = selectors.strips([view for view in views if view.is_materialized])
    downstream = hooks.merged(hooks.downstream_counts, views)
    changes = hooks.merged(hooks.open_changes, views)
    said = hooks.described(views)
    found_in = snippets(views, search)
    return [
        Row(
            view,
            runs.get(view.pk, []),
            downstream.get(view.pk, 0),
            changes.get(view.pk),
            said.get(view.pk, hooks.NOTHING_SAID),
            found_in.get(view.pk),
        )
        for view in views
    ]


@require_GET
def view_suggestions(request: HttpRequest) -> HttpResponse:
    """What the search box offers for what stands before the cursor, as a fragment: `?typed=`."""
    scope = request.GET.get("connection", "")
    asked = Asked(request.user, "" if scope == "all" else scope)
    found = suggestions(request.GET.get("typed", "").replace("\x00", " "), vocabulary.operators(), asked)
    return render(request, "mirror/views/_suggestions.html", {"suggestions": found})


def _link(request: HttpRequest, **changes: str) -> str:
    query = request.GET.copy()
    query.pop("page", None)
    for name, value in changes.items():
        if value:
            query[name] = value
        else:
            query.pop(name, None)
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _tabs(request: HttpRequest, counts: dict[str, int]) -> list[dict[str, Any]]:
    current = request.GET.get("tab", "")
    return [
        {"label": label, "url": _link(request, tab=value), "count": counts[key], "active": current == value}
        for value, label, key in TABS
    ]


def _chips(request: HttpRequest) -> list[dict[str, str]]:
    words = {"q": "Search", "state": "State", "kind": "Kind", "viewset": "Managed as", "folder": "Folder"}
    words |= {"cadence": "Cadence", "deleted": "Deleted"}
    labels = dict(ScheduleState.choices) | dict(KINDS) | {name: cadence(name) for name in CADENCES}
    return [
        {"label": words[name], "value": labels.get(value, value), "url": _link(request, **{name: ""})}
        for name in FILTERS
        if (value := request.GET.get(name, ""))
    ]


@require_GET
def view_detail(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    view = selectors.view_by_id(posthog_id)
    names = [name for name, _ in VIEW_TABS]
    tab = request.GET.get("tab", "query")
    tab = tab if tab in names else "query"
    counts = {"runs": view.runs.count(), "history": view.versions.count()}
    context = {
        "view": view,
        "tab": tab,
        "panel": f"mirror/views/_{tab}.html",
        "tabs": [
            {"label": label, "url": f"?tab={name}", "count": counts.get(name), "active": name == tab}
            for name, label in VIEW_TABS
        ],
        "posthog_url": selectors.posthog_url(view),
        "open_change": hooks.merged(hooks.open_changes, [view]).get(view.pk),
        "last_outside": _outside_version(view),
        "cards": [card for hook in hooks.cards for card in hook(request.user, view)],
        "successor": view.recreated_as.defer("query", "columns").order_by("-pk").first(),
        **_actions(request, view),
        **_panel(request, view, tab),
    }
    return render(request, "mirror/views/detail.html", context)


def _outside_version(view: SavedQuery) -> SavedQueryVersion | None:
    """The newest version, where it was not made here."""
    newest = view.versions.defer("query").first()
    return newest if newest is not None and newest.origin == SavedQueryVersion.Origin.OUTSIDE else None


def _route(name: str, view: SavedQuery) -> str:
    """The address of a page of an app above, which knows views by the same id; nothing where it has none."""
    try:
        return reverse(name, args=[view.posthog_id])
    except NoReverseMatch:
        return ""


def _new_view_url(request: HttpRequest) -> str:
    """Where a new view is proposed, for whom that is; nothing where no app above offers it."""
    if not policies.allows(request.user, "changes.propose_changerequest"):
        return ""
    try:
        return reverse("changes:new-view")
    except NoReverseMatch:
        return ""


def _actions(request: HttpRequest, view: SavedQuery) -> dict[str, Any]:
    """Which buttons work, and why the others do not."""
    gone = "This view was deleted in PostHog." if view.deleted_at else ""
    managed = "PostHog manages this view; it cannot be changed." if view.is_managed else ""
    run = accounts.capability(view.connection, "run")
    role = {
        "edit": ("changes.propose_changerequest", "Your role may not propose changes."),
        "refresh": ("mirror.refresh_savedquery", "Your role may not re-read views."),
        "run": (RUN, f"{policies.who_may(RUN)} start runs."),
    }
    refused = {name: "" if policies.allows(request.user, needed) else why for name, (needed, why) in role.items()}
    kept = KEPT_BY_POSTHOG if view.is_managed else ""
    not_materialized = "" if view.is_materialized else "Only a materialized view runs."
    unsupported = run.reason if run.state == "no" else ""
    return {
        "edit_url": _route("changes:propose", view),
        "edit_refusal": gone or managed or refused["edit"],
        "has_draft": any(begun(request.user, view) for begun in hooks.begun_edits),
        "refresh_refusal": refused["refresh"],
        "run_url": _route("schedules:run", view),
        "run_refusal": gone or kept or refused["run"] or not_materialized or unsupported,
        "activity_url": _route("activity:for-view", view),
        "proposals": [offer for hook in hooks.proposals for offer in hook(request.user, view)],
    }


def _panel(request: HttpRequest, view: SavedQuery, tab: str) -> dict[str, Any]:
    """The context of one tab."""
    if tab == "lineage":
        hops = _hops(request)
        return {
            "picture": next((draw(view, hops, request.GET) for draw in hooks.pictures), None),
            "hops": hops,
            "hop_options": HOPS,
            "upstream": hooks.listed(hooks.upstream, view),
            "downstream": hooks.listed(hooks.downstream, view),
            "caveat": hooks.caveat(view.connection),
            "comparison": next((compared(view) for compared in hooks.comparisons), None),
            "compare_refusal": _compare_refusal(request, view),
        }
    if tab == "runs":
        return _runs_context(request, view)
    if tab == "history":
        return _versions_context(request, view) | _timeline_context(request, view)
    told = {
        "downstream_count": hooks.merged(hooks.downstream_counts, [view]).get(view.pk, 0),
        "checks_url": _route("lint:of-view", view),
        "may_format": bool(hooks.formatters),
    }
    return told | (_formatted(view) if request.GET.get("format") == "1" else _blame(request, view))


def _compare_refusal(request: HttpRequest, view: SavedQuery) -> str:
    if view.deleted_at is not None:
        return "This view was deleted in PostHog."
    if not policies.allows(request.user, remote_lineage.MAY_ASK):
        return "Your role may not ask PostHog about views."
    return remote_lineage.why_not(view.connection)


def _hops(request: HttpRequest) -> int:
    asked = request.GET.get("hops", "")
    return int(asked) if asked in {str(number) for number, _ in HOPS} else 1


def _formatted(view: SavedQuery) -> dict[str, Any]:
    """The text in a tidy layout, to be looked at alone; who touched which line is known of the text as it is."""
    if view.query is None or not hooks.formatters:
        return {}
    return {"is_formatted": True, "formatted": hooks.formatters[0](view.query)}


def _blame(request: HttpRequest, view: SavedQuery) -> dict[str, Any]:
    """Who last touched each line, where the page is asked for it by `?blame=1`."""
    if request.GET.get("blame") != "1" or view.query is None:
        return {}
    ignores = request.GET.get("layout") == "ignore"
    told = authorship.of(view, ignore_layout=ignores)
    return {"blame": told, "blamed": zip(highlighted_lines(view.query), told.lines, strict=True), "ignores": ignores}


def _runs_context(request: HttpRequest, view: SavedQuery) -> dict[str, Any]:
    page = paging.page_of(view.runs.all(), request.GET)
    page.object_list = list(page.object_list)
    chart = list(view.runs.all()[:CHART])[::-1]
    return {
        "page": page,
        "roots": roots_of_runs(view, page.object_list),
        "summary": summary_of(view),
        "chart": chart,
        "tells_rows": any(run.rows is not None for run in chart),
        "oldest": view.runs.order_by("started_at").first(),
    }


def _versions_context(request: HttpRequest, view: SavedQuery) -> dict[str, Any]:
    shown = ALL_VERSIONS if request.GET.get("versions") == "all" else VERSIONS
    versions = list(view.versions.defer("query")[: shown + 1])
    return {"versions": versions[:shown], "more_versions": len(versions) > shown}


def _timeline_context(request: HttpRequest, view: SavedQuery) -> dict[str, Any]:
    kinds = [kind for kind in history.KINDS if kind in request.GET.getlist("kind")]
    return {
        "timeline": history.page_of(view, request.user, kinds, request.GET.get("older", "")),
        "chosen": kinds,
        "kinds": [
            {
                "label": label,
                "active": kind in kinds,
                "toggled": [one for one in history.KINDS if (one in kinds) != (one == kind)],
            }
            for kind, label in history.KINDS.items()
        ],
    }


@require_GET
def view_runs(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    """The runs as a fragment; without htmx, the tab."""
    view = selectors.view_by_id(posthog_id)
    if not wants_fragment(request):
        return redirect(f"{reverse('mirror:view-detail', args=[posthog_id])}?tab=runs")
    return render(request, "mirror/views/_runs.html", {"view": view, **_runs_context(request, view)})


@require_GET
def view_versions(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    """The versions as a fragment; without htmx, the tab."""
    view = selectors.view_by_id(posthog_id)
    if not wants_fragment(request):
        return redirect(f"{reverse('mirror:view-detail', args=[posthog_id])}?tab=history")
    return render(request, "mirror/views/_versions.html", {"view": view, **_versions_context(request, view)})


@require_GET
def view_diff(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    """Two versions compared: `?from=1&to=3&mode=split|unified`; without numbers, the newest two."""
    view = selectors.view_by_id(posthog_id)
    numbers = list(view.versions.values_list("number", flat=True)[:2])
    new = _number(request.GET.get("to")) or (numbers[0] if numbers else 0)
    old = _number(request.GET.get("from")) or max(new - 1, 1)
    chosen = {version.number: version for version in view.versions.filter(number__in=[old, new])}
    if old not in chosen or new not in chosen:
        raise Missing("This view has no such version. Pick two from its history.")
    context = {
        "view": view,
        "old": chosen[old],
        "new": chosen[new],
        "mode": "unified" if request.GET.get("mode") == "unified" else "split",
        "numbers": list(view.versions.values_list("number", flat=True)[:200]),
        "restore_url": _restore_url(request, view, chosen[old]),
    }
    return render_page(request, "mirror/views/diff.html", "mirror/views/_diff.html", context)


def _restore_url(request: HttpRequest, view: SavedQuery, version: SavedQueryVersion) -> str:
    """Where the text of a version is proposed; empty where there is nothing to restore, or the person may not."""
    may = policies.allows(request.user, PROPOSE) and not view.deleted_at and not view.is_managed
    where = _route("changes:propose", view) if may and version.query_hash != view.query_hash else ""
    return f"{where}?version={version.number}" if where else ""


@require_GET
def view_text(request: HttpRequest, posthog_id: uuid.UUID, number: int | None = None) -> HttpResponse:
    """The SQL as plain text, as it is now or as a version had it."""
    view = selectors.view_by_id(posthog_id)
    if number is None:
        if view.query is None:
            raise Missing("The SQL of this view has not been read yet.")
        return whole_text(request, view.query, f"{view.name}.sql")
    version = view.versions.filter(number=number).first()
    if version is None:
        raise Missing("This view has no such version.")
    return whole_text(request, version.query, f"{view.name}-v{version.number}.sql")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


@require_POST
def view_compare(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    """Ask PostHog for its own lineage of the view."""
    view = selectors.view_by_id(posthog_id)
    try:
        told = remote_lineage.compare(saved_query=view, user=request.user)  # type: ignore[arg-type]
    except UserError as error:
        if error.status == 403:
            raise
        messages.error(request, f"Not compared. {error.message}")
    else:
        if told.error:
            messages.warning(request, f"PostHog told only a part. {told.error}")
        else:
            messages.success(request, "PostHog was asked; what differs is listed below.")
    return redirect(f"{reverse('mirror:view-detail', args=[posthog_id])}?tab=lineage#compared")


@require_POST
def view_refresh(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    view = selectors.view_by_id(posthog_id)
    try:
        services.refresh(saved_query=view, user=request.user)  # type: ignore[arg-type]
    except UserError as error:
        if error.status == 403:
            raise
        messages.error(request, f"Not refreshed. {error.message}")
    else:
        messages.success(request, f"{view.name} is as PostHog has it now.")
    return redirect("mirror:view-detail", posthog_id)
