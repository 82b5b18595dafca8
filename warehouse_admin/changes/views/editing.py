"""Writing a proposal, new or revised, and what the editor asks for while somebody types."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.selectors import active_connections
from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import completions as offered
from warehouse_admin.changes import drafts, impacts, live, policies, remote_check, selectors, services, texts
from warehouse_admin.changes.actions import action_of
from warehouse_admin.changes.actions.queries import circle
from warehouse_admin.changes.errors import BaseMoved, StaleRevision
from warehouse_admin.changes.forms import NamedProposalForm, ProposalForm
from warehouse_admin.changes.models import ChangeRequest, Draft
from warehouse_admin.changes.table_form import SECRETS
from warehouse_admin.changes.transitions import ALLOWED, require_state
from warehouse_admin.changes.views import formatting, lint
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.changes.views.proposing import revise_settings
from warehouse_admin.changes.views.shared import put_refusal, refused_status, tell_proposed, tell_saved, wants_review
from warehouse_admin.changes.views.tables import revise_table
from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.errors import Missing, NotPermitted, UserError
from warehouse_admin.lineage.checks import Problem, check_view_sql
from warehouse_admin.lineage.unresolved import unknown_columns, unresolved_places
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import SavedQuery


@require_http_methods(["GET", "POST"])
def propose(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    """Edit the query of a view, as a draft or straight into review."""
    view = mirror.view_by_id(posthog_id)
    target = Target("saved_query", str(view.posthog_id), view.name)
    policies.require_propose(signed_in(request), action="change.created", target=target)
    draft = drafts.own(signed_in(request), view) if request.method == "GET" else None
    if draft and (view.deleted_at or view.is_managed):
        return render(request, "changes/draft.html", {"draft": draft, "view": view})
    live.refuse_closed_view(view)
    if request.method == "POST":
        return _create(request, view)
    asked = request.GET.get("version", "")
    if draft:
        if asked:
            told = f"You have a draft of {view.name}, shown here. Propose or discard it before you restore a version."
            messages.warning(request, told)
        return _propose_page(request, view, ProposalForm(initial=_begun(draft)), draft=draft)
    try:
        text = view.query if view.query is not None else live.read_live(view)["query"] or ""
    except UserError as error:
        return _propose_page(request, view, ProposalForm(), problem=error)
    start = {"query": text, "base": text_digest(text), "nonce": uuid.uuid4().hex}
    if asked:
        start |= _restored(view, asked)
    return _propose_page(request, view, ProposalForm(initial=start))


def _restored(view: SavedQuery, number: str) -> dict[str, str]:
    """A former text of the view as the proposal, with a reason to begin with."""
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    version = view.versions.filter(number=wanted).first()
    if version is None:
        raise Missing("This view has no such version. Pick one from its history.")
    return {"query": version.query, "reason": f"Restores version {version.number} of {version.seen_at:%Y-%m-%d}."}


def _begun(draft: Draft) -> dict[str, Any]:
    """A form as the person left it, on the base of then: what moved since is told, and asked about, when it is sent."""
    begun = {
        "query": draft.query,
        "name": draft.name,
        "reason": draft.reason,
        "base": draft.base,
        "revision": draft.base_revision,
    }
    return begun | {"revision": draft.base_revision, "draft": draft.version, "nonce": uuid.uuid4().hex}


def _create(request: HttpRequest, view: SavedQuery) -> HttpResponse:
    if formatting.is_asked_for(request):
        return _propose_page(request, view, ProposalForm(formatting.laid_out(request), base_text=view.query or ""))
    form = ProposalForm(request.POST, base_text=view.query or "")
    if not form.is_valid():
        return _propose_page(request, view, form, status=422)
    typed = form.cleaned_data
    try:
        change = services.create(
            author=signed_in(request),
            saved_query=view,
            query=typed["query"],
            reason=typed["reason"],
            submit=wants_review(request),
            base=typed["base"] or None,
            nonce=typed["nonce"],
            draft=typed["draft"] or 0,
        )
    except NotPermitted:
        raise
    except BaseMoved as moved:
        again = _with(request, base=text_digest(moved.live_query))
        form = ProposalForm(again, base_text=moved.live_query)
        return _propose_page(request, view, form, problem=moved, held=moved.live_query)
    except UserError as error:
        return _propose_page(request, view, form, status=put_refusal(form, error))
    return tell_proposed(request, change)


def _propose_page(
    request: HttpRequest,
    view: SavedQuery,
    form: ProposalForm,
    *,
    draft: Draft | None = None,
    problem: UserError | None = None,
    held: str | None = None,
    status: int = 200,
) -> HttpResponse:
    view.refresh_from_db()
    form.keep_draft(view.posthog_id)
    text = form["query"].value() or ""
    context = {
        "checked": lint.shown(request, view.connection, text, view),
        "view": view,
        "form": form,
        "problem": problem,
        "live": held,
        "typed": text,
        "saved_draft": selectors.own_draft(signed_in(request), view),
        **_draft_context(request, view, draft),
        "others": selectors.others_open(view),
        **impacts.of_text(view, text),
        "newlines": "windows" if texts.uses_crlf(view.query or "") else "unix",
    }
    return render(request, "changes/propose.html", context, status=refused_status(problem) if problem else status)


def _draft_context(request: HttpRequest, view: SavedQuery | None, draft: Draft | None) -> dict[str, Any]:
    """What the bars above an editor tell."""
    return {
        "draft": draft,
        "moved": drafts.base_moved(draft) if draft else None,
        "editors": drafts.others_editing(view, besides=signed_in(request)) if view else [],
    }


@sensitive_post_parameters(*SECRETS)
@require_http_methods(["GET", "POST"])
def revise(request: HttpRequest, number: int) -> HttpResponse:
    """Save an edited proposal as a new revision."""
    change = selectors.detail(number, signed_in(request))
    policies.require_author(signed_in(request), change, action="change.revised")
    draft = drafts.own(signed_in(request), change) if request.method == "GET" else None
    if draft and change.state not in ALLOWED["revise"]:
        return render(request, "changes/draft.html", {"draft": draft, "view": change.saved_query})
    if change.state == ChangeRequest.State.NEEDS_REBASE:
        return redirect("changes:rebase", number)
    if request.method == "GET":
        require_state(change, "revise")
    if action_of(change.action).of_tables:
        return revise_table(request, change)
    if not action_of(change.action).has_sql:
        return revise_settings(request, change)
    current = selectors.revision(change)
    text = current.proposal["query"]
    form_class = NamedProposalForm if "name" in current.proposal else ProposalForm
    if request.method == "GET":
        start = {**current.proposal, "reason": change.reason, "revision": current.number}
        form = form_class(initial=_begun(draft) if draft else start)
        return _revise_page(request, change, form, draft=draft)
    if formatting.is_asked_for(request):
        return _revise_page(request, change, form_class(formatting.laid_out(request), base_text=text))
    form = form_class(request.POST, base_text=text)
    if not form.is_valid():
        return _revise_page(request, change, form, status=422)
    try:
        change = _save(request, change, form.cleaned_data)
    except NotPermitted:
        raise
    except StaleRevision as stale:
        newest = selectors.revision(change)
        form = form_class(_with(request, revision=str(newest.number)), base_text=text)
        return _revise_page(request, change, form, problem=stale, newest=newest.proposal["query"])
    except UserError as error:
        form.add_user_errors(error.errors, error.message)
        return _revise_page(request, change, form, status=refused_status(error))
    return tell_saved(request, change)


def _save(request: HttpRequest, change: ChangeRequest, typed: dict[str, Any]) -> ChangeRequest:
    return services.save_revision(
        change,
        signed_in(request),
        {name: typed[name] for name in ("query", "name") if name in typed},
        revision=typed["revision"] or 0,
        reason=typed["reason"],
        submitting=request.POST.get("do") == "propose",
        draft=typed["draft"] or 0,
    )


def _revise_page(
    request: HttpRequest,
    change: ChangeRequest,
    form: ProposalForm,
    *,
    draft: Draft | None = None,
    problem: UserError | None = None,
    newest: str | None = None,
    status: int = 200,
) -> HttpResponse:
    form.keep_draft(change)
    text = form["query"].value() or ""
    name = "" if change.saved_query else str((form["name"].value() if "name" in form.fields else "") or "").strip()
    context = {
        "checked": lint.of_change(request, change, text, name),
        "change": change,
        "view": change.saved_query,
        "form": form,
        "problem": problem,
        "newest": newest,
        "typed": text,
        "is_draft": change.state == ChangeRequest.State.DRAFT,
        **_draft_context(request, change.saved_query, draft),
        **(impacts.of_text(change.saved_query, text) if change.saved_query else {}),
        "newlines": "windows" if texts.uses_crlf(selectors.revision(change).proposal["query"]) else "unix",
    }
    return render(request, "changes/revise.html", context, status=refused_status(problem) if problem else status)


@require_POST
def view_impact(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    """What the text in the editor would do to everything downstream."""
    view = mirror.view_by_id(posthog_id)
    target = Target("saved_query", str(view.posthog_id), view.name)
    policies.require_propose(signed_in(request), action="change.created", target=target)
    told = impacts.of_text(view, request.POST.get("query", ""))
    return render(request, "changes/_impact_card.html", {"view": view, **told})


@require_GET
def completions(request: HttpRequest) -> HttpResponseBase:
    """Names the editor can offer; of one `source` with all its columns, should the whole have been too much."""
    slug, source = request.GET.get("connection", ""), request.GET.get("source", "")
    if source:
        return JsonResponse(offered.of_source(slug, source))
    return offered.answered(request, offered.completions(slug))


@require_POST
def validate(request: HttpRequest) -> JsonResponse:
    """What we can tell to be wrong with a query, what the mirror does not know, and what PostHog says where it may.

    PostHog is asked about what nothing here speaks against; `asked` says whether it was, `why_not` why it was not,
    `again_in` in how many seconds to come back with the same text. `lint`: what the rules find, and `findings` as HTML.
    """
    query = request.POST.get("query", "")
    found = check_view_sql(query)
    slug = request.POST.get("connection") or request.GET.get("connection", "")
    project = active_connections().filter(slug=slug).first()
    checked = remote_check.Checked()
    if project is not None and not found:
        found = _circle(request, project, query) or unresolved_places(project, query)
    if project is not None and not found:
        checked = remote_check.check(signed_in(request), project, query)
        found = checked.problems or unknown_columns(project, query)
    told = ("message", "line", "column", "level")
    errors = [{name: getattr(problem, name) for name in told} for problem in found]
    told_of_posthog = {"asked": checked.was_asked, "why_not": checked.why_not, "again_in": checked.again_in}
    return JsonResponse({"errors": errors, **told_of_posthog, **lint.lint_of(request, project, query)})


def _circle(request: HttpRequest, connection: Connection, query: str) -> list[Problem]:
    """That the view in the address, or one of the name that was typed, would read itself."""
    view = lint.view_in(connection, request.GET.get("view", ""))
    name = view.name if view else request.POST.get("name", "").strip()[:200]
    told = circle(query, connection, name) if name else ""
    return [Problem(told, 1, 1, 0)] if told else []


def _with(request: HttpRequest, **values: str) -> Any:
    """What was typed, with some hidden values brought up to date."""
    typed = request.POST.copy()
    for name, value in values.items():
        typed[name] = value
    return typed
