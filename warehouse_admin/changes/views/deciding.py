"""The page on which a person tells whether a new view was made, where PostHog cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods

from warehouse_admin.changes import policies, selectors, services
from warehouse_admin.changes.deciding import ACTION, require_asked
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.views.detail import render_detail
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.core.errors import InvalidInput, NotPermitted, UserError
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations import services as mutations

NOTHING = "nothing"
"""What the form sends for "none of these"; no id of a view."""


@dataclass(frozen=True)
class Candidate:
    """A view that may be what was made: what the last look found, and the mirror's copy if there is one."""

    found: dict[str, Any]
    view: SavedQuery | None

    @property
    def made_at(self) -> Any:
        return parse_datetime(self.found["created_at"] or "")


@require_http_methods(["GET", "POST"])
def decide(request: HttpRequest, number: int) -> HttpResponse:
    """Which of these is the view that was made, or that none is, and how one knows."""
    change = selectors.detail(number, signed_in(request))
    policies.require_apply(signed_in(request), change, action=ACTION)
    try:
        if request.method == "GET":
            require_asked(change)
            return _page(request, change)
        _decide(request, change)
    except NotPermitted:
        raise
    except UserError as error:
        change = selectors.detail(number, signed_in(request))
        if mutations.candidates(change.mutation):
            return _page(request, change, problem=error)
        return render_detail(request, change, problem=error)
    messages.success(request, f"What became of {change} is settled by your word.")
    return redirect("changes:detail", number)


def _decide(request: HttpRequest, change: ChangeRequest) -> None:
    made = request.POST.get("made", "")
    if not made:
        raise InvalidInput("Choose what happened.", errors={"made": ["Choose what happened."]})
    comment = request.POST.get("comment", "")
    services.decide(change, signed_in(request), made=None if made == NOTHING else made, comment=comment)


def _page(request: HttpRequest, change: ChangeRequest, *, problem: UserError | None = None) -> HttpResponse:
    found = mutations.candidates(change.mutation)
    views = mirror.views_by_id(change.connection, [row["id"] for row in found])
    context = {
        "change": change,
        "query": selectors.revision(change).proposal["query"],
        "candidates": [Candidate(row, views.get(row["id"])) for row in found],
        "made": request.POST.get("made", ""),
        "comment": request.POST.get("comment", ""),
        "problem": problem,
    }
    return render(request, "changes/decide.html", context, status=problem.status if problem else 200)
