"""The texts of a change as they are, for where its pages cut them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from warehouse_admin.changes import selectors
from warehouse_admin.changes.rebase import known_remote
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.core.errors import Missing
from warehouse_admin.core.views import whole_text


@require_GET
def whole(request: HttpRequest, number: int, revision: int, side: str) -> HttpResponse:
    """The base or the proposal of a revision, or what PostHog holds by now, as plain text."""
    change = selectors.detail(number, signed_in(request))
    shown = selectors.revision(change, revision)
    texts = {"base": shown.base.get("query"), "proposal": shown.proposal.get("query"), "posthog": known_remote(change)}
    text = texts.get(side)
    if text is None:
        raise Missing(f"r{revision} of {change} has no such text.")
    return whole_text(request, text, f"{change.object_name}-{number}-r{revision}-{side}.sql")
