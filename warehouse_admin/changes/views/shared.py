"""What the pages that write proposals have in common."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from warehouse_admin.changes import selectors, votes
from warehouse_admin.changes.errors import SentAlready
from warehouse_admin.changes.forms import ReasonForm
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.shown import cautions
from warehouse_admin.core.errors import InvalidInput, UserError

DAMAGED = "This form was damaged on its way. Nothing was done: please try again."


def wants_review(request: HttpRequest) -> bool:
    return request.POST.get("do") != "draft"


def tell_proposed(request: HttpRequest, change: ChangeRequest) -> HttpResponse:
    """To the page of a change that was just made."""
    done = f"{change} waits for review." if change.state != ChangeRequest.State.DRAFT else f"Draft {change} is saved."
    messages.success(request, done)
    for caution in cautions(change, selectors.revision(change)):
        messages.warning(request, caution)
    return redirect("changes:detail", change.pk)


def tell_saved(request: HttpRequest, change: ChangeRequest) -> HttpResponse:
    """To the page of a change that was edited; what an edit does not lift is said too."""
    messages.success(request, f"{change} is saved as r{change.revision_number}.")
    for objection in votes.tally(change).objections:
        name = objection.voter.display_name
        still = f"What {name} asked for still stands in the way. It is lifted by {votes.who_lifts(objection)}."
        messages.warning(request, still)
    return redirect("changes:detail", change.pk)


def put_refusal(form: ReasonForm, error: UserError) -> int:
    """What a service refused, where it belongs in the form; gives the status of the answer."""
    if isinstance(error, SentAlready):
        form.as_another()
    form.add_user_errors(error.errors, error.message)
    form.links = error.links
    return refused_status(error)


def refused_status(error: UserError) -> int:
    """A form that is at fault answers 422, everything else as the refusal says."""
    return 422 if isinstance(error, InvalidInput) else error.status
