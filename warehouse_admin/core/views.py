"""Answers that belong to no app."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for an expired or foreign form; it says how to get the typed text back."""
    return render(request, "403_csrf.html", {"reason": reason}, status=403)
