"""The inbox, one entry, and what happened to one view."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.activity import presenters, selectors, services
from warehouse_admin.activity.errors import UnknownEntry
from warehouse_admin.activity.filters import PERIODS, Filters
from warehouse_admin.activity.forms import ReviewForm
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.review import PERMISSION
from warehouse_admin.core.errors import InvalidInput, Missing
from warehouse_admin.core.htmx import render_page
from warehouse_admin.mirror.models import SavedQuery

KIND_OPTIONS = [(str(kind), label) for kind, label in presenters.KINDS.items()]
PERIOD_OPTIONS = [(name, label) for name, (label, _) in PERIODS.items()]


def _person(request: HttpRequest) -> User:
    """Who is signed in: the middleware let nobody else through."""
    return cast(User, request.user)


@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """Folders, the list, and the chosen entry (`?entry=`, else the first) in the reading pane."""
    filters = Filters.parse(request.GET)
    folders = selectors.folders(filters, _person(request))
    total = next(folder.count for folder in folders if folder.active)
    page = selectors.entry_page(filters, _person(request), total, request.GET.get("page"))
    rows = [{"entry": entry, "sentence": presenters.sentence(entry)} for entry in page.object_list]
    chosen = request.GET.get("entry", "")
    pk = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 18 else None
    entry = selectors.entry_in_pane(pk or page.object_list[0].pk) if pk or page.object_list else None
    context = {
        "filters": filters,
        "tabs": _tabs(request, folders),
        "page": page,
        "rows": rows,
        "sources": ActivityEntry.Source.choices,
        "kinds": KIND_OPTIONS,
        "periods": PERIOD_OPTIONS,
        "may_review": policies.allows(request.user, PERMISSION),
        **_pane(request, entry),
    }
    return render_page(request, "activity/inbox.html", "activity/_inbox.html", context)


def _tabs(request: HttpRequest, folders: list[selectors.Folder]) -> list[dict[str, Any]]:
    tabs = []
    for folder in folders:
        query = request.GET.copy()
        for name in ("page", "entry"):
            query.pop(name, None)
        query["folder"] = folder.name
        url = f"?{query.urlencode()}"
        tabs.append(
            {"label": folder.label, "icon": folder.icon, "count": folder.count, "active": folder.active, "url": url}
        )
    return tabs


def _pane(request: HttpRequest, entry: ActivityEntry | None, form: ReviewForm | None = None) -> dict[str, Any]:
    """Context of the reading pane."""
    if entry is None:
        return {"entry": None}
    return {
        "entry": entry,
        "sentence": presenters.sentence(entry),
        "how_known": presenters.how_known(entry),
        "texts": presenters.texts(entry),
        "field_changes": presenters.field_changes(entry),
        "change_number": presenters.change_number(entry),
        "resume_id": presenters.resume_id(entry),
        "form": form or ReviewForm(initial={"note": entry.note}),
        "may_review": policies.allows(request.user, PERMISSION),
        "back": request.POST.get("back", "") or request.GET.urlencode(),
    }


def _entry(pk: int) -> ActivityEntry:
    found = selectors.entry(pk)
    if found is None:
        raise UnknownEntry("There is no such activity entry.")
    return found


@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    return render_page(request, "activity/detail.html", "activity/_pane.html", _pane(request, _entry(pk)))


@require_POST
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide about one entry and go on with the list it was chosen from."""
    entry = _entry(pk)
    form = ReviewForm(request.POST)
    if form.is_valid():
        try:
            services.review(user=_person(request), entry=entry, **form.cleaned_data)
        except InvalidInput as error:
            form.add_error("note", error.message)
        else:
            messages.success(request, f"{presenters.sentence(entry)}: {form.cleaned_data['verdict']}.")
            return redirect(_back_to_list(request))
    return render_page(request, "activity/detail.html", "activity/_pane.html", _pane(request, entry, form), status=422)


@require_POST
def review_many(request: HttpRequest) -> HttpResponse:
    entries = services.resolve(request.POST.getlist("entries"))
    verdict, note = request.POST.get("verdict", ""), request.POST.get("note", "")
    done = services.review_many(user=_person(request), entries=entries, verdict=verdict, note=note)
    messages.success(request, f"{len(done)} {'entry' if len(done) == 1 else 'entries'}: {verdict}.")
    return redirect(_back_to_list(request))


def _back_to_list(request: HttpRequest) -> str:
    """The list with the filters it had; the entry that was dealt with is let go, so that the next one shows."""
    query = QueryDict(request.POST.get("back", "")[:2_000], mutable=True)
    query.pop("entry", None)
    return f"{reverse('activity:list')}?{query.urlencode()}"


@require_GET
def for_view(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    """What happened to one view; the view's page shows the fragment."""
    view = SavedQuery.objects.filter(posthog_id=posthog_id).only("name", "posthog_id").order_by("-pk").first()
    if view is None:
        raise Missing("There is no such view.")
    page = Paginator(selectors.entries_of_view(posthog_id), 25).get_page(request.GET.get("page"))
    rows = [{"entry": entry, "sentence": presenters.sentence(entry)} for entry in page.object_list]
    context = {"view": view, "page": page, "rows": rows}
    return render_page(request, "activity/for_view.html", "activity/_for_view.html", context)
