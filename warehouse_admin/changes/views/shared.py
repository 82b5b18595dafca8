"""What the pages that write proposals have in common."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput, Missing, UserError
from warehouse_admin.mirror.models import SavedQuery


def view_of(posthog_id: uuid.UUID) -> SavedQuery:
    """The newest view with this remote id."""
    found = SavedQuery.objects.select_related("connection").filter(posthog_id=posthog_id).order_by("-pk").first()
    if found is None:
        raise Missing("There is no view with this id.")
    return found


def wants_review(request: HttpRequest) -> bool:
    return request.POST.get("do") != "draft"


def tell_proposed(request: HttpRequest, change: ChangeRequest) -> HttpResponse:
    """To the page of a change that was just made."""
    done = f"{change} waits for review." if change.state != ChangeRequest.State.DRAFT else f"Draft {change} is saved."
    messages.success(request, done)
    return redirect("changes:detail", change.pk)


def refused_status(error: UserError) -> int:
    """A form that is at fault answers 422, everything else as the refusal says."""
    return 422 if isinstance(error, InvalidInput) else error.status
