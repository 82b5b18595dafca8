"""The page where a proposal is fitted onto what PostHog holds by now."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from warehouse_admin.changes import policies, selectors, services, texts
from warehouse_admin.changes.actions import action_of
from warehouse_admin.changes.errors import BaseMoved
from warehouse_admin.changes.forms import ProposalForm
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.transitions import require_state
from warehouse_admin.changes.views.actions import rebase_settings
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.errors import InvalidInput, NotPermitted, UserError


@require_http_methods(["GET", "POST"])
def rebase(request: HttpRequest, number: int) -> HttpResponse:
    """Base → PostHog and base → proposal beside each other; what is saved goes back to review on the new base."""
    change = selectors.detail(number, signed_in(request))
    policies.require_author(signed_in(request), change, action="change.rebased")
    if not action_of(change.action).has_sql:
        return rebase_settings(request, change)
    current = selectors.revision(change)
    if request.method == "GET":
        require_state(change, "rebase")
        start = {"query": current.proposal["query"], "base": text_digest(_known_remote(change))}
        return _page(request, change, ProposalForm(initial=start))
    form = ProposalForm(request.POST, base_text=current.proposal["query"])
    if not form.is_valid():
        return _page(request, change, form, status=422)
    try:
        typed = form.cleaned_data
        change = services.rebase(change, signed_in(request), typed["query"], typed["base"] or None)
    except NotPermitted:
        raise
    except BaseMoved as moved:
        again = request.POST.copy()
        again["base"] = text_digest(moved.live_query)
        form = ProposalForm(again, base_text=current.proposal["query"])
        form.add_user_errors({}, moved.message)
        return _page(request, change, form, remote=moved.live_query, status=moved.status)
    except UserError as error:
        form.add_user_errors(error.errors, error.message)
        return _page(request, change, form, status=422 if isinstance(error, InvalidInput) else error.status)
    if change.state == ChangeRequest.State.SUPERSEDED:
        messages.info(request, f"PostHog already holds exactly this text, so {change} is closed.")
    else:
        messages.success(request, f"{change} waits for review on what PostHog holds now.")
    return redirect("changes:detail", change.pk)


def _known_remote(change: ChangeRequest) -> str:
    """What PostHog holds as far as is known: where the look after the conflict failed, the mirror's text."""
    seen: str | None = (change.remote or {}).get("query")
    return seen if seen is not None else (change.saved_query.query or "") if change.saved_query else ""


def _page(
    request: HttpRequest, change: ChangeRequest, form: ProposalForm, *, remote: str | None = None, status: int = 200
) -> HttpResponse:
    current = selectors.revision(change)
    context = {
        "change": change,
        "form": form,
        "revision": current,
        "base_text": current.base.get("query") or "",
        "remote_text": _known_remote(change) if remote is None else remote,
        "proposal_text": current.proposal["query"],
        "newlines": "windows" if texts.uses_crlf(current.proposal["query"]) else "unix",
    }
    return render(request, "changes/rebase.html", context, status=status)
