"""The pack as an answer to a request."""

from __future__ import annotations

from django.http import HttpResponse

from warehouse_admin.changes.evidence.services import Pack


def archive(pack: Pack) -> HttpResponse:
    """An archive to be saved; nobody on the way keeps a copy."""
    response = HttpResponse(pack.content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{pack.name}"'
    response["Cache-Control"] = "private, no-store"
    return response
