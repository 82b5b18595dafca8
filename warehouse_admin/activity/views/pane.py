"""The reading pane: one entry, what it rests on, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.activity import presenters, selectors
from warehouse_admin.activity.asking import why_not_asked
from warehouse_admin.activity.errors import UnknownEntry
from warehouse_admin.activity.forms import SNOOZES, ReviewForm
from warehouse_admin.activity.impact import can_be_graded
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.reverting import plan
from warehouse_admin.activity.review import PERMISSION, why_not_adopted
from warehouse_admin.core.htmx import wants_fragment
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.hooks import Trusted


def person(request: HttpRequest) -> User:
    """Who is signed in: the middleware let nobody else through."""
    return cast(User, request.user)


def number(text: str) -> int | None:
    """The key or count that a page sent; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def known_entry(pk: int) -> ActivityEntry:
    found = selectors.entry(pk)
    if found is None:
        raise UnknownEntry("There is no such activity entry.")
    return found


def pane(
    request: HttpRequest,
    entry: ActivityEntry | None,
    form: ReviewForm | None = None,
    *,
    trusts: Mapping[int, Trusted] | None = None,
) -> dict[str, Any]:
    """Context of the reading pane; `trusts` where they are known already."""
    if entry is None:
        return {"entry": None}
    view = entry.saved_query_id
    if trusts is None:
        trusts = hooks.trusts_of([view] if view else [])
    may_review = policies.allows(request.user, PERMISSION)
    question = getattr(entry, "last_question", None)
    return {
        "entry": entry,
        "sentence": presenters.sentence(entry),
        "how_known": presenters.how_known(entry),
        "texts": presenters.texts(entry),
        "field_changes": presenters.field_changes(entry),
        "change_number": presenters.change_number(entry),
        "resume_id": presenters.resume_id(entry),
        "form": form or ReviewForm(initial={"note": entry.note}),
        "may_review": may_review,
        "question": question,
        "may_answer": bool(question and entry.asked_at and (may_review or question["person"] == person(request).pk)),
        "waits": entry.needs_review and not entry.verdict,
        "why_not_adopted": why_not_adopted(entry),
        "why_no_revert": plan(entry).why_not,
        "why_not_asked": why_not_asked(entry),
        "people": selectors.people() if may_review else [],
        "snoozes": SNOOZES.items(),
        "seen_at": timezone.now().isoformat(),
        "back": request.POST.get("back", "") or request.GET.urlencode(),
        "is_fragment": wants_fragment(request),
        "trust": trusts.get(view) if view else None,
        "is_graded": can_be_graded(entry),
        "impact_url": _impact_url(entry),
    }


def _impact_url(entry: ActivityEntry) -> str:
    """Where one sees who reads the view."""
    view = entry.saved_query
    return f"{reverse('mirror:view-detail', args=[view.posthog_id])}?tab=lineage" if view else ""
