"""The review page of one change, and its fragments."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import VIEW_ALL_ENTRIES
from warehouse_admin.changes import (
    checked,
    impacts,
    linting,
    live,
    moves,
    offers,
    presenters,
    readiness,
    recreated,
    selectors,
    services,
    talks,
    texts,
    votes,
)
from warehouse_admin.changes.actions import Facts, Subject, action_of
from warehouse_admin.changes.apply import approval_applies
from warehouse_admin.changes.models import ChangeRequest, Revision, Thread
from warehouse_admin.changes.rebase import left_out_so_far
from warehouse_admin.changes.shown import Shown, cautions
from warehouse_admin.changes.shown import shown as describe
from warehouse_admin.changes.texts import LARGEST_COMPARED
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.core.diff import diff, parts, unfolded
from warehouse_admin.core.errors import Missing, UserError
from warehouse_admin.core.htmx import render_page
from warehouse_admin.core.views import expand_at
from warehouse_admin.lineage.layout import Layout
from warehouse_admin.lineage.lint import services as lint
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.words import sentence
from warehouse_admin.posthog import errors

LOOK_SECONDS = 5.0


@require_GET
def detail(request: HttpRequest, number: int) -> HttpResponse:
    """Why, what, whom it touches, who decided, and what I can do about it."""
    return render_detail(request, selectors.detail(number, signed_in(request)))


def render_detail(
    request: HttpRequest, change: ChangeRequest, *, problem: UserError | None = None, comment: str = ""
) -> HttpResponse:
    """The page; with the status of a refused action, its reason on top and the comment kept."""
    current = selectors.revision(change)
    shown = _shown_revision(request, change, current)
    reviewed = presenters.last_reviewed(change, signed_in(request))
    impact, timeline = presenters.impact(change, shown), presenters.timeline(change)
    moved = any(line["moved"] for line in timeline)  # onto what others did meanwhile
    context = {
        **status_context(request, change, current),
        "shown": shown,
        "revisions": votes.steps_of(change),
        "checks": checked.grouped(shown.checks),
        "nothing_kept": checked.NOTHING_KEPT,
        "reviewed": reviewed if reviewed < current.number else 0,
        "timeline": timeline,
        "impact": impact,
        "others": selectors.others_open(change.about, besides=change) if not change.is_closed else [],
        "rollbacks": change.rollbacks.order_by("pk") if change.state == ChangeRequest.State.APPLIED else [],
        "inverse": services.inverse(change, current) if change.state == ChangeRequest.State.APPLIED else None,
        "dropped": left_out_so_far(change, shown) if moved else None,
        "gone": _gone(change),
        "co_authors": votes.co_authors(change),
        "may_have_evidence": allows(signed_in(request), VIEW_ALL_ENTRIES),
        "problem": problem,
        "comment": comment,
        "approval_applies": approval_applies(change),
    }
    told = describe(change, shown, impacts.direct(impact))
    context |= {"told": told, **compared(request, change, current, shown, told)}
    return render(request, "changes/detail.html", context, status=problem.status if problem else 200)


def compared(
    request: HttpRequest, change: ChangeRequest, current: Revision, shown: Revision, told: Shown
) -> dict[str, Any]:
    """The comparison of texts with the threads under its lines: with the base, or with an earlier revision."""
    if not told.action.has_sql:
        return {"talks": talks.Talks()}
    unified, since = request.GET.get("view") == "unified", _since(request, change, shown)
    side = Thread.Side
    old = talks.Column(since.number, side.PROPOSAL) if since else talks.Column(shown.number, side.BASE)
    new = talks.Column(shown.number, side.PROPOSAL)
    found = talks.talks(change, signed_in(request), current)
    talks.put_beside(found, old, new)
    old_text = since.proposal["query"] if since else told.base_text
    hides = request.GET.get("layout") != "shown" and max(len(old_text), len(told.proposal_text)) <= LARGEST_COMPARED
    made = diff(
        old_text,
        told.proposal_text,
        kept=(found.old, [*found.new, *unfolded(request.GET.getlist("expand"))]),
        is_layout=Layout(old_text, told.proposal_text) if hides else None,
    )
    beside = parts(made.unified if unified else made.rows, found.old, found.new)
    for part in beside:
        talks.mark_shown(part.asides)
    return {
        "talks": found,
        "since": since,
        "unified": unified,
        "diff": made,
        "parts": beside,
        "old_at": _lines_at(change, old),
        "new_at": _lines_at(change, new),
        "expand_at": expand_at(request),
        "expand_in": "diff",
        "layout_shown": not hides,
    }


def _lines_at(change: ChangeRequest, column: talks.Column) -> str:
    """The address to which the number of a line is added."""
    return reverse("changes:line", args=[change.pk, column.revision, column.side, 0]).removesuffix("0/")


def _since(request: HttpRequest, change: ChangeRequest, shown: Revision) -> Revision | None:
    """The earlier revision that this one is compared with, where one is asked for."""
    wanted = request.GET.get("since", "")
    if not wanted.isdecimal() or len(wanted) > 6 or int(wanted) >= shown.number:
        return None
    return selectors.revision(change, int(wanted))


def _gone(change: ChangeRequest) -> recreated.Gone | None:
    """What became of the view, where it is gone and the change is not closed."""
    view = change.saved_query
    return recreated.gone(view) if view is not None and view.deleted_at is not None and not change.is_closed else None


def status_context(request: HttpRequest, change: ChangeRequest, revision: Revision) -> dict[str, Any]:
    """What moves while the page is looked at."""
    return {
        "change": change,
        "badge": readiness.badge(change),
        "revision": revision,
        "in_flight": change.state in ChangeRequest.IN_FLIGHT,
        "blockers": readiness.blockers(change, signed_in(request), revision),
        "requirements": presenters.requirements(change, revision),
        "votes": presenters.cast_votes(change, revision),
        "mutation": presenters.mutation_dict(change.mutation),
        "sent": mutations.sent(change.mutation) if change.mutation else None,
        "read_back": mutations.read_back(change.mutation) if change.mutation else [],
        "actions": offers.actions(change, signed_in(request), revision),
    }


def _shown_revision(request: HttpRequest, change: ChangeRequest, current: Revision) -> Revision:
    wanted = request.GET.get("revision", "")
    if not wanted.isdecimal() or len(wanted) > 6 or int(wanted) == current.number:
        return current
    return selectors.revision(change, int(wanted))


@require_GET
def detail_status(request: HttpRequest, number: int) -> HttpResponse:
    """Polled while a change is being applied; when that has ended, the whole page is loaded anew."""
    change = selectors.detail(number, signed_in(request))
    context = status_context(request, change, selectors.revision(change))
    response = render_page(request, "changes/status.html", "changes/_status.html", context)
    if not context["in_flight"]:
        response["HX-Refresh"] = "true"
    return response


@require_GET
def detail_sent(request: HttpRequest, number: int) -> HttpResponse:
    """The SQL that was sent, against what PostHog held right before and what it held when it was read again."""
    change = selectors.detail(number, signed_in(request))
    sent = mutations.sent(change.mutation) if change.mutation else None
    if change.mutation is None or sent is None:
        raise Missing(f"Nothing was sent for {change}.")
    held = next((row.value for row in mutations.read_back(change.mutation) if row.field == "query"), None)
    context = {"change": change, "sent": sent, "held": held}
    return render_page(request, "changes/sent.html", "changes/_sent.html", context)


@require_GET
def detail_cautions(request: HttpRequest, number: int) -> HttpResponse:
    """What deserves a second look; apart from the page, which must not wait for SQL to be parsed."""
    change = selectors.detail(number, signed_in(request))
    revision = _shown_revision(request, change, selectors.revision(change))
    context = {"change": change, "cautions": cautions(change, revision)}
    return render_page(request, "changes/cautions.html", "changes/_cautions.html", context)


@require_GET
def detail_lint(request: HttpRequest, number: int) -> HttpResponse:
    """What lint finds in a revision, as things are now; apart from the page, which must not wait for it."""
    change = selectors.detail(number, signed_in(request))
    revision = _shown_revision(request, change, selectors.revision(change))
    started = time.perf_counter()
    found = linting.report(change, revision)
    context = {
        "change": change,
        "revision": revision,
        "lint": found,
        "since": linting.since(change, revision, found),
        "took": round((time.perf_counter() - started) * 1000),
        "may_exempt": lint.may_exempt(signed_in(request)),
    }
    return render_page(request, "changes/lint.html", "changes/_lint.html", context)


@require_GET
def detail_base(request: HttpRequest, number: int) -> HttpResponse:
    """Ask PostHog, within a few seconds, whether it still holds what this is written against."""
    change = selectors.detail(number, signed_in(request))
    context = {"change": change, "base": live_base(change, selectors.revision(change))}
    return render_page(request, "changes/base.html", "changes/_base.html", context)


def live_base(change: ChangeRequest, revision: Revision) -> dict[str, str]:
    """`standing` is same, cosmetic, moved, equal (to the proposal), gone or unverified, with a sentence.

    Of a view that is not made yet: whether its name is free or taken.
    """
    noun = _noun(change)
    try:
        if change.about is None:
            return _of_name(change)
        held = live.look(change.about, timeout=LOOK_SECONDS)
    except errors.NotFound as error:
        if error.object_missing:
            return {"standing": "gone", "text": f"The {noun} no longer exists in PostHog."}
        return {"standing": "unverified", "text": sentence(error, noun)}
    except errors.PostHogError as error:
        return {"standing": "unverified", "text": sentence(error, noun)}
    except UserError as error:
        return {"standing": "unverified", "text": error.message}
    return _compare(change, held, revision)


def _noun(change: ChangeRequest) -> str:
    return "table" if action_of(change.action).of_tables else "view"


def _of_name(change: ChangeRequest) -> dict[str, str]:
    name, noun = change.object_name, _noun(change)
    if not live.look_for(change.connection, action_of(change.action), name, timeout=LOOK_SECONDS):
        return {"standing": "free", "text": f"The name {name} is free in PostHog."}
    other = "change that table" if noun == "table" else "edit that view"
    return {"standing": "taken", "text": f"PostHog has a {noun} {name} by now: take another name, or {other}."}


def _compare(change: ChangeRequest, held: Facts, revision: Revision) -> dict[str, str]:
    action = action_of(change.action)
    subject = Subject(change.connection, change.object_name, held, change.about)
    if action.nothing_to_do(subject, revision.proposal):
        return {"standing": "equal", "text": "PostHog holds exactly what is proposed."}
    if action.relevant(held) == action.relevant(revision.base):
        return {"standing": "same", "text": "PostHog still holds what this is written against."}
    query, base = held.get("query") or "", revision.base.get("query") or ""
    if action.has_sql and texts.only_layout_differs(query, base):
        return {"standing": "cosmetic", "text": "Only the layout has changed in PostHog since.", "query": query}
    return {"standing": "moved", "text": moves.told(change, revision.base, held), "query": query}
