"""What the editor asks for while somebody types: keep the draft, throw it away, tell who else is editing."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import drafts, policies, selectors, texts
from warehouse_admin.changes.errors import DraftMoved
from warehouse_admin.changes.forms import DraftForm
from warehouse_admin.changes.models import Draft
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.core.errors import NotPermitted, UserError
from warehouse_admin.mirror import selectors as mirror


@require_POST
def save_of_view(request: HttpRequest, posthog_id: uuid.UUID) -> JsonResponse:
    view = mirror.view_by_id(posthog_id)
    return _save(request, view, view.query or "")


@require_POST
def save_of_change(request: HttpRequest, number: int) -> JsonResponse:
    change = selectors.detail(number, signed_in(request))
    return _save(request, change, selectors.revision(change).proposal["query"])


@require_POST
def save_of_new_view(request: HttpRequest, slug: str) -> JsonResponse:
    return _save(request, get_object_or_404(Connection, slug=slug), "")


@require_POST
def discard_of_view(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    view = mirror.view_by_id(posthog_id)
    return _discard(request, view, redirect("changes:propose", posthog_id))


@require_POST
def discard_of_change(request: HttpRequest, number: int) -> HttpResponse:
    return _discard(request, selectors.detail(number, signed_in(request)), redirect("changes:detail", number))


@require_POST
def discard_of_new_view(request: HttpRequest, slug: str) -> HttpResponse:
    return _discard(request, get_object_or_404(Connection, slug=slug), redirect("changes:list"))


@require_GET
def editors(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    """Who else is editing a view; for those who may edit it."""
    view = mirror.view_by_id(posthog_id)
    target = Target("saved_query", str(view.posthog_id), view.name)
    policies.require_propose(signed_in(request), action="draft.editors_seen", target=target)
    others = drafts.others_editing(view, besides=signed_in(request))
    return render(request, "changes/_editors.html", {"view": view, "editors": others})


def _save(request: HttpRequest, about: drafts.About, base_text: str) -> JsonResponse:
    """200 with the version that is kept now, 409 with the other tab's text, 422 with what cannot be kept."""
    form = DraftForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"message": "This page was damaged on its way. Reload it."}, status=422)
    typed = form.cleaned_data
    try:
        kept = drafts.save(
            signed_in(request),
            about,
            query=texts.with_newlines_of(base_text, typed["query"]),
            reason=typed["reason"],
            name=typed["name"],
            base=typed["base"],
            revision=typed["revision"],
            seen=typed["draft"] or 0,
        )
    except NotPermitted:
        raise
    except DraftMoved as moved:
        return JsonResponse({"message": moved.message, "other": _told(moved.draft)}, status=moved.status)
    except UserError as error:
        return JsonResponse({"message": error.message}, status=422)
    return JsonResponse({"version": kept.version, "saved_at": kept.updated_at.isoformat()})


def _told(draft: Draft | None) -> dict[str, Any] | None:
    """The other tab's draft, as this tab can take it over."""
    if draft is None:
        return None
    fields = ("version", "query", "reason", "name")
    return {name: getattr(draft, name) for name in fields} | {"saved_at": draft.updated_at.isoformat()}


def _discard(request: HttpRequest, about: drafts.About, then: HttpResponse) -> HttpResponse:
    form = DraftForm(request.POST)
    seen = form.cleaned_data["draft"] if form.is_valid() else None
    try:
        if drafts.discard(signed_in(request), about, seen=seen):
            messages.info(request, "Your draft is discarded.")
    except DraftMoved:
        messages.warning(request, "Not discarded: you wrote more in another tab or browser meanwhile. Here it is.")
    return then
