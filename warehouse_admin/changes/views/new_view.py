"""Proposing a view that does not exist yet."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.selectors import active_connections
from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import drafts, policies, services
from warehouse_admin.changes.forms import NewViewForm
from warehouse_admin.changes.models import ChangeRequest, Draft
from warehouse_admin.changes.views import formatting, lint
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.changes.views.shared import put_refusal, tell_proposed, wants_review
from warehouse_admin.core.errors import NotPermitted, UserError


@require_http_methods(["GET", "POST"])
def new_view(request: HttpRequest) -> HttpResponse:
    """Propose a view that does not exist yet."""
    target = Target("saved_query", "", "")
    policies.require_propose(signed_in(request), action="change.created", target=target)
    if request.method == "POST":
        return _create_view(request)
    return _new_page(request, *_begun(signed_in(request), _project(request)))


def _project(request: HttpRequest) -> Connection | None:
    """The one that is asked for, or the first."""
    active = active_connections()
    return active.filter(slug=request.GET.get("connection", "")).first() or active.first()


def _begun(user: User, project: Connection | None) -> tuple[NewViewForm, Draft | None]:
    """A form as this person left it, or an empty one."""
    draft = drafts.own(user, project) if project else None
    start: dict[str, Any] = {"nonce": uuid.uuid4().hex, "connection": project}
    if draft is not None:
        start |= {"name": draft.name, "query": draft.query, "reason": draft.reason, "draft": draft.version}
    return NewViewForm(initial=start), draft


def _create_view(request: HttpRequest) -> HttpResponse:
    if formatting.is_asked_for(request):
        return _new_page(request, NewViewForm(formatting.laid_out(request)))
    form = NewViewForm(request.POST)
    if not form.is_valid():
        return _new_page(request, form, status=422)
    typed = form.cleaned_data
    try:
        change = services.create(
            author=signed_in(request),
            action=ChangeRequest.Action.CREATE_VIEW,
            connection=typed["connection"],
            name=typed["name"],
            query=typed["query"],
            reason=typed["reason"],
            submit=wants_review(request),
            nonce=typed["nonce"],
            draft=typed["draft"] or 0,
        )
    except NotPermitted:
        raise
    except UserError as error:
        return _new_page(request, form, status=put_refusal(form, error))
    return tell_proposed(request, change)


def _new_page(
    request: HttpRequest, form: NewViewForm, draft: Draft | None = None, *, status: int = 200
) -> HttpResponse:
    form.keep_draft("new-view")
    projects = list(active_connections())
    chosen = str(form["connection"].value() or "")
    project = next((one for one in projects if chosen in (one.slug, str(one.pk))), None)
    text, name = form["query"].value() or "", str(form["name"].value() or "").strip()
    checked = lint.shown(request, project, text, None, name) if project else None
    context = {"form": form, "draft": draft, "projects": projects, "project": project, "checked": checked}
    return render(request, "changes/new_view.html", context, status=status)
