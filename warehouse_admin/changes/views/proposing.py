"""Proposing an action without SQL on a view, new or revised."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from warehouse_admin.accounts import services as accounts
from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import live, policies, selectors, services
from warehouse_admin.changes.actions import ACTIONS, Action, Facts, Subject, action_of
from warehouse_admin.changes.errors import BaseMoved
from warehouse_admin.changes.forms import SettingsForm
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.shown import show
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.changes.views.shared import put_refusal, refused_status, tell_proposed, tell_saved, wants_review
from warehouse_admin.core.errors import InvalidInput, Missing, NotPermitted, UserError
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import SavedQuery


@require_http_methods(["GET", "POST"])
def propose_action(request: HttpRequest, posthog_id: uuid.UUID, action: str) -> HttpResponse:
    """Propose to rename, materialize, delete … a view: its fields, and what follows from them."""
    view, wanted = mirror.view_by_id(posthog_id), _action(action)
    target = Target("saved_query", str(view.posthog_id), view.name)
    policies.require_propose(signed_in(request), action="change.created", target=target)
    live.refuse_closed_view(view)
    if request.method == "POST":
        return _create(request, view, wanted)
    subject = live.mirrored_subject(view)
    start = {"base": wanted.seen(subject.base), "nonce": uuid.uuid4().hex, **_start_values(wanted, subject)}
    form = _form(wanted, subject, initial=start)
    return _page(request, wanted, subject, form)


@require_POST
def preview_action(request: HttpRequest, posthog_id: uuid.UUID, action: str) -> HttpResponse:
    """What would be sent and what would follow, while the form is being filled in; asks nobody."""
    view, wanted = mirror.view_by_id(posthog_id), _action(action)
    subject = live.mirrored_subject(view)
    form = _form(wanted, subject, request.POST)
    form.is_valid()
    return render(request, "changes/_consequences.html", _preview(wanted, subject, form.cleaned_data))


def _create(request: HttpRequest, view: SavedQuery, action: Action) -> HttpResponse:
    subject = live.mirrored_subject(view)
    form = _form(action, subject, request.POST)
    if not form.is_valid():
        return _page(request, action, subject, form, status=422)
    typed = form.cleaned_data
    try:
        change = services.create(
            author=signed_in(request),
            action=action.name,
            saved_query=view,
            name=typed.get("name"),
            sync_frequency=typed.get("sync_frequency"),
            description=typed.get("description"),
            folder_id=typed.get("folder_id"),
            reason=typed["reason"],
            submit=wants_review(request),
            base=typed["base"] or None,
            nonce=typed["nonce"],
        )
    except NotPermitted:
        raise
    except BaseMoved as moved:
        again = request.POST.copy()
        again["base"] = action.seen(moved.base)
        view.refresh_from_db()
        form = _form(action, subject, again)
        return _page(request, action, live.subject_of(view, moved.base), form, problem=moved)
    except UserError as error:
        return _page(request, action, subject, form, status=put_refusal(form, error))
    return tell_proposed(request, change)


def _page(
    request: HttpRequest,
    action: Action,
    subject: Subject,
    form: SettingsForm,
    *,
    problem: UserError | None = None,
    change: ChangeRequest | None = None,
    status: int = 200,
) -> HttpResponse:
    values = {name: form[name].value() for name in action.fields if name in form.fields}
    capability = accounts.capability(subject.connection, action.capability)
    context = {
        "action": action,
        "view": subject.view,
        "change": change,
        "form": form,
        "problem": problem,
        "unoffered": capability.reason if capability.state == "no" else "",
        "others": selectors.others_open(subject.view, besides=change),
        **_preview(action, subject, values),
    }
    return render(request, "changes/action.html", context, status=refused_status(problem) if problem else status)


def _preview(action: Action, subject: Subject, values: Facts) -> dict[str, Any]:
    """What can be told of the values as they are; nothing of values that are wrong."""
    try:
        proposal = action.clean(subject.connection, values, subject.view)
    except InvalidInput:
        return {"shown": None, "idle": "", "cautions": [], "hopeless": action.hopeless(subject)}
    return {
        "shown": show(action, subject, proposal),
        "idle": action.nothing_to_do(subject, proposal),
        "cautions": action.cautions(subject, proposal),
    }


def _start_values(action: Action, subject: Subject) -> Facts:
    """The name that the view has, to be edited; a cadence only where one is as good as chosen."""
    start = {
        "name": subject.name,
        "sync_frequency": action.default_cadence,
        "description": subject.base.get("description") or "",
        "folder_id": subject.base.get("folder_id") or "",
    }
    return {name: start[name] for name in action.fields}


def _form(action: Action, subject: Subject, *args: Any, **kwargs: Any) -> SettingsForm:
    held = subject.base.get("sync_frequency")
    return SettingsForm(
        *args, action=action, generation=subject.generation, held=held, folders=_folders(action, subject), **kwargs
    )


def _folders(action: Action, subject: Subject) -> list[tuple[str, str]]:
    """Those that a view can be moved to."""
    if "folder_id" not in action.fields:
        return []
    return [(folder.posthog_id, folder.name) for folder in mirror.folders_of(subject.connection)]


def _action(name: str) -> Action:
    if name not in ACTIONS or action_of(name).has_sql or action_of(name).of_tables:
        raise Missing("There is no such action on a view.")
    return action_of(name)


def revise_settings(request: HttpRequest, change: ChangeRequest) -> HttpResponse:
    """Save another value as a new revision of a change without SQL."""
    action, current = action_of(change.action), selectors.revision(change)
    subject = Subject(change.connection, change.object_name, current.base, change.about, current.item.dependents)
    if request.method == "GET":
        start = {"reason": change.reason, "revision": current.number, **current.proposal}
        form = _form(action, subject, initial=start)
        return _page(request, action, subject, form, change=change)
    form = _form(action, subject, request.POST)
    if not form.is_valid():
        return _page(request, action, subject, form, change=change, status=422)
    typed = form.cleaned_data
    try:
        change = _save(request, change, typed)
    except NotPermitted:
        raise
    except UserError as error:
        form.add_user_errors(error.errors, error.message)
        return _page(request, action, subject, form, change=change, status=refused_status(error))
    return tell_saved(request, change)


def _save(request: HttpRequest, change: ChangeRequest, typed: dict[str, Any]) -> ChangeRequest:
    return services.save_revision(
        change,
        signed_in(request),
        {name: typed[name] for name in action_of(change.action).fields},
        revision=typed["revision"] or 0,
        reason=typed["reason"],
        submitting=request.POST.get("do") == "propose",
    )
