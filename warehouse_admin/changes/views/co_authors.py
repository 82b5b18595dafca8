"""The page on which an author names co-authors."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from warehouse_admin.changes import policies, selectors, services, votes
from warehouse_admin.changes.co_authors import candidates
from warehouse_admin.changes.transitions import require_state
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.core.errors import NotPermitted, UserError

SUGGESTED = 200
"""Names that the field offers; a larger team types the rest."""


@require_http_methods(["GET", "POST"])
def co_authors(request: HttpRequest, number: int) -> HttpResponse:
    """Add one by user name, or remove one."""
    change = selectors.detail(number, signed_in(request))
    policies.require_first_author(signed_in(request), change, action="change.co_authors_changed")
    require_state(change, "co_authors")
    problem = None
    name = request.POST.get("add", "").strip()
    if request.method == "POST":
        add, remove = ([name] if name else []), request.POST.getlist("remove")
        try:
            services.set_co_authors(change, signed_in(request), add=add, remove=remove)
        except NotPermitted:
            raise
        except UserError as error:
            problem = error
        else:
            messages.success(request, f"The co-authors of {change} are saved.")
            return redirect("changes:co-authors", number)
    context = {
        "change": change,
        "people": votes.co_authors(change),
        "candidates": candidates(change)[:SUGGESTED],
        "problem": problem,
        "name": name,
    }
    return render(request, "changes/co_authors.html", context, status=problem.status if problem else 200)
