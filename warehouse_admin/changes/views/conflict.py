"""The page where a proposal and what PostHog holds by now are brought together; works without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from warehouse_admin.changes import attribution, policies, recreated, resolving, selectors, services, texts
from warehouse_admin.changes.actions import action_of
from warehouse_admin.changes.actions.queries import sql_problems
from warehouse_admin.changes.dropped import Dropped
from warehouse_admin.changes.errors import BaseMoved, DropsLines
from warehouse_admin.changes.forms import ProposalForm
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.changes.rebase import carried_over_already, known_remote, left_out
from warehouse_admin.changes.transitions import require_state
from warehouse_admin.changes.views import late
from warehouse_admin.changes.views.actions import rebase_settings
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.changes.views.shared import DAMAGED
from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.errors import InvalidInput, Missing, NotPermitted, UserError
from warehouse_admin.core.htmx import render_page
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations.words import sentence
from warehouse_admin.posthog import errors

LOOK_SECONDS = 5.0
LOG_SECONDS = 3.0
PREVIEW, TO_EDITOR, REBASE, TEXT, REPLACE = "preview", "to-editor", "rebase", "text", "replace"


@dataclass(frozen=True)
class Desk:
    """What lies before the person: the three texts, what was chosen and typed, and what came of sending it."""

    change: ChangeRequest
    revision: Revision
    remote: str
    typed: Mapping[str, str]
    unread: str = ""  # why PostHog could not be asked just now
    problem: UserError | None = None
    put_together: str | None = None  # what the choices had made before PostHog moved once more
    dropped_by_text: Dropped | None = None  # refused: the whole text leaves these out
    status: int = 200

    @property
    def base(self) -> str:
        return self.revision.base.get("query") or ""

    @property
    def proposal(self) -> str:
        return self.revision.proposal["query"]

    def parts(self) -> list[resolving.Part]:
        return resolving.parts(self.base, self.remote, self.proposal, self.typed)

    def left_out(self, result: str) -> Dropped:
        return left_out(self.change, self.revision.base, self.remote, result)


@require_http_methods(["GET", "POST"])
def rebase(request: HttpRequest, number: int) -> HttpResponse:
    """Who changed what, the parts to choose from, the result, and the ways out; what is sent is kept on any refusal."""
    change = selectors.detail(number, signed_in(request))
    policies.require_author(signed_in(request), change, action="change.rebased")
    if change.about is None:
        return redirect("changes:revise", number)
    view = change.saved_query
    if view is None or not action_of(change.action).has_sql:
        return rebase_settings(request, change)
    if request.method == "GET":
        require_state(change, "rebase")
        return _first_look(request, change, view)
    shown = request.POST.get("base", "")
    desk = Desk(change, _written_on(request, change), _shown_text(change, view, shown), request.POST)
    wanted = request.POST.get("do", TEXT)
    if desk.revision.number != change.revision_number:
        return late.page(request, change, desk.revision, _put_together(desk, wanted))
    if wanted in (PREVIEW, TO_EDITOR):
        return _page(request, desk)
    try:
        done = _settle(request, desk, wanted, shown or None)
    except NotPermitted:
        raise
    except UserError as refusal:
        return _page(request, _refused(desk, wanted, refusal))
    if done.state == ChangeRequest.State.SUPERSEDED:
        messages.info(request, f"PostHog already holds exactly this text, so {done} is closed.")
    else:
        messages.success(request, f"{done} waits for review on what PostHog holds now.")
    return redirect("changes:detail", done.pk)


@require_GET
def moved(request: HttpRequest, number: int, revision: int) -> HttpResponse:
    """What others changed in PostHog between the bases of one revision and of the one before it, unadorned."""
    change = selectors.detail(number, signed_in(request))
    if revision < 2:
        raise Missing(f"Nothing came before the first revision of {change}.")
    former, newer = selectors.revision(change, revision - 1), selectors.revision(change, revision)
    context = {
        "change": change,
        "revision": newer,
        "former_number": former.number,
        "former_text": former.base.get("query") or "",
        "newer_text": newer.base.get("query") or "",
        "edits": attribution.edits_since(change.saved_query, former.base, newer.base.get("query") or ""),
    }
    return render(request, "changes/moved.html", context)


def _first_look(request: HttpRequest, change: ChangeRequest, view: SavedQuery) -> HttpResponse:
    """With what PostHog holds this very moment, where it can be asked."""
    current = selectors.revision(change)
    remote, unread = known_remote(change), ""
    try:
        live = mirror.read_live(view, purpose="interactive", timeout=LOOK_SECONDS)
        remote = live.hogql or ""
    except errors.NotFound as error:
        if error.object_missing:
            found = recreated.gone(view)
            return render(request, "changes/gone.html", {"change": change, "gone": found, "revision": current})
        unread = sentence(error)
    except errors.PostHogError as error:
        unread = sentence(error)
    except UserError as error:
        unread = error.message
    if not unread and change.state != ChangeRequest.State.NEEDS_REBASE and remote == (current.base.get("query") or ""):
        done = carried_over_already(change, current.number - 1)
        still = "PostHog still holds the text this is written against"
        messages.info(request, done or f"{still}: there is nothing to resolve.")
        return redirect("changes:detail", change.pk)
    if not unread:
        attribution.find_out(view, current.base, remote, timeout=LOG_SECONDS)
    return _page(request, Desk(change, current, remote, {}, unread=unread))


def _shown_text(change: ChangeRequest, view: SavedQuery, digest: str) -> str:
    """The text of PostHog that a form was made for; what is known now where nobody remembers it."""
    known = known_remote(change)
    if not digest or text_digest(known) == digest:
        return known
    version = view.versions.filter(query_hash=digest).first()
    return version.query if version else known


def _written_on(request: HttpRequest, change: ChangeRequest) -> Revision:
    """The revision that a form was made for; the current one where it does not say."""
    seen = request.POST.get("revision", "")
    is_number = seen.isdecimal() and len(seen) < 7 and 0 < int(seen) < change.revision_number
    return selectors.revision(change, int(seen)) if is_number else selectors.revision(change)


def _put_together(desk: Desk, wanted: str) -> str:
    """The text that a form comes to, whatever is still open in it."""
    if wanted == TEXT and "query" in desk.typed:
        form = _form(desk)
        form.is_valid()
        return str(form.cleaned_data.get("query", ""))
    return resolving.composed(desk.parts(), otherwise=resolving.MINE) or desk.proposal


def _settle(request: HttpRequest, desk: Desk, wanted: str, shown: str | None) -> ChangeRequest:
    """Do what the pressed button says."""
    user, reason = signed_in(request), request.POST.get("reason", "")
    if wanted == REPLACE:
        if not request.POST.get("overwrite"):
            told = "Say that you mean it: tick that you have seen whose work this overwrites."
            raise InvalidInput(told, errors={"overwrite": [told]})
        return services.replace_remote(
            desk.change, user, shown, agreed=request.POST.get("drops_all", ""), reason=reason
        )
    if wanted == REBASE:
        found = desk.parts()
        result = resolving.composed(found)
        if result is None:
            number = resolving.unsettled(found)
            raise InvalidInput(f"Choose for {number} more conflict{'s' if number > 1 else ''} first.")
        return services.rebase(desk.change, user, result, shown, agreed=request.POST.get("drops", ""), reason=reason)
    if wanted != TEXT or "query" not in desk.typed:
        raise InvalidInput(DAMAGED)
    form = _form(desk)
    form.is_valid()
    query = form.cleaned_data.get("query", "")
    return services.rebase(desk.change, user, query, shown, agreed=request.POST.get("drops_text", ""), reason=reason)


def _refused(desk: Desk, wanted: str, refusal: UserError) -> Desk:
    """The same desk with the refusal; on what PostHog holds by now, if that is why."""
    status = 422 if isinstance(refusal, InvalidInput) else refusal.status
    kept = replace(desk, problem=refusal, status=status)
    if isinstance(refusal, BaseMoved):
        together = resolving.composed(desk.parts()) if wanted == REBASE else None
        return replace(kept, remote=refusal.live_query, put_together=together)
    if isinstance(refusal, DropsLines) and wanted == TEXT:
        return replace(kept, dropped_by_text=refusal.dropped)
    return kept


def _form(desk: Desk, start: str | None = None) -> ProposalForm:
    """The whole text and the digest of what PostHog holds: as typed, or as it starts."""
    hidden = {"base": text_digest(desk.remote), "revision": desk.revision.number}
    if "query" not in desk.typed or start is not None:
        return ProposalForm(initial={"query": start, **hidden})
    return ProposalForm({"query": desk.typed["query"], **hidden}, base_text=desk.proposal)


def _problems(desk: Desk, result: str | None) -> list[str]:
    """What is wrong with the SQL that the choices make, each with its place, as the editor tells it."""
    if result is None or result == desk.remote:
        return []
    return sql_problems(result, desk.change.connection, desk.change.object_name)


def _page(request: HttpRequest, desk: Desk) -> HttpResponse:
    found = desk.parts()
    result = resolving.composed(found)
    into_editor = desk.typed.get("do") == TO_EDITOR
    start = resolving.composed(found, otherwise=resolving.MINE)
    form = _form(desk, start if into_editor or "query" not in desk.typed else None)
    by_text = desk.problem is not None and desk.typed.get("do", TEXT) == TEXT and form.is_bound
    if by_text and desk.problem is not None:
        form.add_user_errors(desk.problem.errors, desk.problem.message)
    context = {
        "change": desk.change,
        "revision": desk.revision,
        "desk": desk,
        "form": form,
        "problem": None if by_text else desk.problem,
        "parts": found,
        "conflicts": sum(part.hunk.kind == "conflict" for part in found),
        "unsettled": resolving.unsettled(found),
        "result": result,
        "problems": _problems(desk, result),
        "dropped": desk.left_out(result) if result is not None else None,
        "drops": desk.typed.get("drops", ""),
        "dropped_by_all": desk.left_out(desk.proposal),
        "edits": attribution.edits_since(desk.change.saved_query, desk.revision.base, desk.remote),
        "newlines": "windows" if texts.uses_crlf(desk.proposal) else "unix",
        "in_editor": into_editor or by_text,
    }
    return render_page(request, "changes/rebase.html", "changes/_merged.html", context, status=desk.status)
