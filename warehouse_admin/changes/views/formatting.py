"""Laying the text of an editor out anew: for its script, and as a button of its form where no script runs."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import policies
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.lineage.formatting import formatted

FORMAT = "format"


@require_POST
def layout(request: HttpRequest) -> JsonResponse:
    """200 with the text, or 422 with the sentence that says why it stays as it is."""
    policies.require_propose(signed_in(request), action="query.formatted", target=Target("saved_query"))
    found = formatted(request.POST.get("query", "").replace("\r\n", "\n"))
    if found.refusal:
        return JsonResponse({"message": found.refusal}, status=422)
    return JsonResponse({"query": found.text})


def is_asked_for(request: HttpRequest) -> bool:
    """Whether the button that sent a form is the one for its layout."""
    return request.method == "POST" and request.POST.get("do") == FORMAT


def laid_out(request: HttpRequest) -> Any:
    """What was typed, its text in the new layout; as it was, with a message, where that is not possible."""
    typed = request.POST.copy()
    found = formatted(typed.get("query", "").replace("\r\n", "\n"))
    if found.refusal:
        messages.warning(request, found.refusal)
    else:
        typed["query"] = found.text
        messages.success(request, "The text is formatted. Nothing is saved yet.")
    return typed
