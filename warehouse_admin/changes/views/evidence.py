"""The evidence pack of a change, from its page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from warehouse_admin.changes import selectors
from warehouse_admin.changes.evidence import services
from warehouse_admin.changes.evidence.answer import archive
from warehouse_admin.changes.views.people import signed_in


@require_GET
def evidence(request: HttpRequest, number: int) -> HttpResponse:
    user = signed_in(request)
    return archive(services.download(selectors.detail(number, user), user))
