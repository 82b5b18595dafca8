"""Proposing what is to become of a warehouse table, new or revised."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.selectors import active_connections
from warehouse_admin.changes import keys, live, policies, selectors, services
from warehouse_admin.changes.actions import ACTIONS, Action, Facts, Subject, action_of
from warehouse_admin.changes.actions.keys import KEYS
from warehouse_admin.changes.errors import BaseMoved
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.propose import target_of
from warehouse_admin.changes.shown import show
from warehouse_admin.changes.table_form import SECRETS, TableForm
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.changes.views.shared import put_refusal, refused_status, tell_proposed, tell_saved, wants_review
from warehouse_admin.core.errors import InvalidInput, Missing, NotPermitted, UserError
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import WarehouseTable
from warehouse_admin.mutations.services import Entered

PLACEHOLDER = Entered("(not entered yet)", "(not entered yet)")
"""Stands for keys while a form is filled in: what is being typed is sent to nobody before the form is."""
CREATE = action_of(ChangeRequest.Action.CREATE_TABLE)


@sensitive_post_parameters(*SECRETS)
@require_http_methods(["GET", "POST"])
def new_table(request: HttpRequest) -> HttpResponse:
    """Propose a table that does not exist yet; `from` names one to begin with the values of."""
    policies.require_propose(signed_in(request), action="change.created", target=target_of(None, CREATE))
    project = _project(request)
    subject = Subject(project, "", {}) if project else None
    if request.method == "POST" and subject:
        return _create(request, CREATE, subject)
    start = {"nonce": uuid.uuid4().hex, "connection": project, **_values_of(request.GET.get("from", ""))}
    return _page(request, CREATE, subject, _form(CREATE, subject, initial=start))


@sensitive_post_parameters(*SECRETS)
@require_http_methods(["GET", "POST"])
def propose_action(request: HttpRequest, posthog_id: uuid.UUID, action: str) -> HttpResponse:
    """Propose to change, delete … a table: its fields, and what follows from them."""
    table, wanted = mirror.table_by_id(posthog_id), _action(action)
    policies.require_propose(signed_in(request), action="change.created", target=target_of(table, wanted))
    live.refuse_closed(table)
    subject = live.mirrored_subject(table)
    if request.method == "POST":
        return _create(request, wanted, subject)
    start = {"base": wanted.seen(subject.base), "nonce": uuid.uuid4().hex}
    form = _form(wanted, subject, initial=start | {name: subject.base.get(name) for name in wanted.fields})
    return _page(request, wanted, subject, form)


@require_POST
def preview_action(request: HttpRequest, posthog_id: uuid.UUID, action: str) -> HttpResponse:
    """What would be sent and what would follow, while the form is being filled in; asks nobody, takes no keys."""
    subject, wanted = live.mirrored_subject(mirror.table_by_id(posthog_id)), _action(action)
    return render(request, "changes/_consequences.html", _previewed(request, wanted, subject))


@require_POST
def preview_new(request: HttpRequest) -> HttpResponse:
    """The same of a table that does not exist yet."""
    project = _project(request)
    context = _previewed(request, CREATE, Subject(project, "", {})) if project else {}
    return render(request, "changes/_consequences.html", context)


def revise_table(request: HttpRequest, change: ChangeRequest) -> HttpResponse:
    """Save other values, or keys that are entered anew, as a new revision."""
    action, current = action_of(change.action), selectors.revision(change)
    subject = Subject(change.connection, change.object_name, current.base, change.about, current.item.dependents)
    if request.method == "GET":
        form = _form(action, subject, initial=_start_of_revision(change, action, current.base, current.proposal))
        return _page(request, action, subject, form, change=change)
    form = _form(action, subject, request.POST)
    if action.makes:
        del form.fields["connection"]
    if not form.is_valid():
        return _page(request, action, subject, form, change=change, status=422)
    try:
        change = services.save_revision(
            change,
            signed_in(request),
            {name: value for name, value in form.values().items() if not _is_untouched_key(name, value)},
            revision=form.cleaned_data["revision"] or 0,
            reason=form.cleaned_data["reason"],
            submitting=request.POST.get("do") == "propose",
        )
    except NotPermitted:
        raise
    except UserError as error:
        form.add_user_errors(error.errors, error.message)
        return _page(request, action, subject, form, change=change, status=refused_status(error))
    return tell_saved(request, change)


def _start_of_revision(change: ChangeRequest, action: Action, base: Facts, proposal: Facts) -> Facts:
    values = {name: base.get(name) for name in action.fields if name != KEYS} | proposal
    start = {"reason": change.reason, "revision": change.revision_number}
    for place, column in enumerate(base.get("columns") or []):
        start[f"column-{place}"] = (proposal.get("columns") or {}).get(column.get("name"))
    return {**values, **start}


def _is_untouched_key(name: str, value: Any) -> bool:
    """Of a revision: no keys entered leaves those that were."""
    return name == KEYS and value in (None, Entered("", ""))


def _create(request: HttpRequest, action: Action, subject: Subject) -> HttpResponse:
    form = _form(action, subject, request.POST)
    if not form.is_valid():
        return _page(request, action, subject, form, status=422)
    typed = form.cleaned_data
    try:
        change = services.create(
            author=signed_in(request),
            action=action.name,
            table=subject.table,
            connection=typed.get("connection"),
            reason=typed["reason"],
            submit=wants_review(request),
            base=typed["base"] or None,
            nonce=typed["nonce"],
            **form.values(),
        )
    except NotPermitted:
        raise
    except BaseMoved as moved:
        return _again(request, action, subject, moved)
    except UserError as error:
        return _page(request, action, subject, form, status=put_refusal(form, error))
    return tell_proposed(request, change)


def _again(request: HttpRequest, action: Action, subject: Subject, moved: BaseMoved) -> HttpResponse:
    """The form on what PostHog holds by now."""
    again = request.POST.copy()
    again["base"] = action.seen(moved.base)
    now = live.subject_of(subject.about, moved.base) if subject.about else subject
    return _page(request, action, now, _form(action, now, again), problem=moved)


def _page(
    request: HttpRequest,
    action: Action,
    subject: Subject | None,
    form: TableForm,
    *,
    problem: UserError | None = None,
    change: ChangeRequest | None = None,
    status: int = 200,
) -> HttpResponse:
    capability = accounts.capability(subject.connection, action.capability) if subject else None
    context = {
        "action": action,
        "table": subject.table if subject else None,
        "name": subject.name if subject else "",
        "change": change,
        "form": form,
        "problem": problem,
        "spent": keys.why_spent(change) if change else "",
        "projects": list(active_connections()),
        "unoffered": capability.reason if capability and capability.state == "no" else "",
        "others": selectors.others_open(subject.about, besides=change) if subject else [],
        **(_previewed(request, action, subject, form=form, change=change) if subject else {}),
    }
    return render(request, "changes/table.html", context, status=refused_status(problem) if problem else status)


def _previewed(
    request: HttpRequest,
    action: Action,
    subject: Subject,
    *,
    form: TableForm | None = None,
    change: ChangeRequest | None = None,
) -> dict[str, Any]:
    """What can be told of the values as they are; nothing of values that are wrong."""
    if form is None:
        form = _form(action, subject, request.POST)
    if form.is_bound:
        form.is_valid()
        values = form.values()
    else:
        values = {
            name: form.get_initial_for_field(form.fields[name], name) for name in action.fields if name in form.fields
        }
    values[KEYS] = PLACEHOLDER if KEYS in action.fields and (action.makes or values.get(KEYS)) else None
    try:
        proposal = action.clean(subject.connection, values, subject.table)
    except InvalidInput:
        return {"shown": None, "idle": "", "cautions": [], "hopeless": action.hopeless(subject)}
    named = Subject(
        subject.connection, subject.name or proposal.get("name", ""), subject.base, subject.about, subject.dependents
    )
    rivals = selectors.namesakes(subject.connection, proposal["name"], besides=change) if action.makes else []
    return {
        "shown": show(action, named, proposal),
        "idle": "" if action.makes else action.nothing_to_do(named, proposal),
        "cautions": [*rivals, *action.cautions(named, proposal)],
    }


def _form(action: Action, subject: Subject | None, *args: Any, **kwargs: Any) -> TableForm:
    table, held = (subject.table, subject.base) if subject else (None, {})
    return TableForm(*args, action=action, table=table, held=held, **kwargs)


def _project(request: HttpRequest) -> Connection | None:
    """The one that is asked for, or the first."""
    active = active_connections()
    slug = request.POST.get("connection") or request.GET.get("connection", "")
    return active.filter(slug=slug).first() or active.first()


def _values_of(table_id: str) -> Facts:
    """What a new table can take over from another, above all from one that is gone; never its keys."""
    try:
        table: WarehouseTable = mirror.table_by_id(uuid.UUID(table_id))
    except (ValueError, Missing):
        return {}
    return {
        "name": table.name,
        "format": table.format,
        "url_pattern": table.url_pattern,
        "connection": table.connection,
    }


def _action(name: str) -> Action:
    if name not in ACTIONS or not action_of(name).of_tables or action_of(name).makes:
        raise Missing("There is no such action on a table.")
    return action_of(name)
