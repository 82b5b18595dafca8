"""Answers that belong to no app."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header

TYPED = ("query", "reason", "comment", "note")
"""The fields in which people write at length; no other field of a refused form is ever shown again."""


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for an expired or foreign form; it gives the typed text back."""
    return render(request, "403_csrf.html", {"reason": reason, "kept": typed_text(request)}, status=403)


def typed_text(request: HttpRequest) -> list[tuple[str, str]]:
    """What was written in a form that cannot be accepted, by field."""
    return [(name, request.POST[name]) for name in TYPED if request.POST.get(name, "").strip()]


def expand_at(request: HttpRequest) -> str:
    """The address of this page to which the lines of a fold are added that shall be seen too (`core.diff.unfolded`)."""
    query = request.GET.urlencode()
    return f"?{query}&expand=" if query else "?expand="


def whole_text(request: HttpRequest, text: str, name: str) -> HttpResponse:
    """A text as it is, for where a page shows only a part of it; saved as a file with `?download=1`."""
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    disposition = content_disposition_header("download" in request.GET, name)
    if disposition:
        response["Content-Disposition"] = disposition
    return response
