"""Answers that belong to no app."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

TYPED = ("query", "reason", "comment", "note")
"""The fields in which people write at length; no other field of a refused form is ever shown again."""


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for an expired or foreign form; it gives the typed text back."""
    return render(request, "403_csrf.html", {"reason": reason, "kept": typed_text(request)}, status=403)


def typed_text(request: HttpRequest) -> list[tuple[str, str]]:
    """What was written in a form that cannot be accepted, by field."""
    return [(name, request.POST[name]) for name in TYPED if request.POST.get(name, "").strip()]
