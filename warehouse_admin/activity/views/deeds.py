"""What the reading pane and the bulk bar post: decide, and go on with the list it was chosen from."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from warehouse_admin.activity import presenters, services
from warehouse_admin.activity.dealing import last_batch
from warehouse_admin.activity.errors import MovedOn, bad
from warehouse_admin.activity.forms import ReviewForm, snoozed_until
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.undo import WITHIN
from warehouse_admin.activity.views.pane import known_entry, number, pane, person
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.htmx import render_page
from warehouse_admin.core.rest.filters import Unusable, read_moment
from warehouse_admin.mirror import known_people

UNDO = "activity_undo"


@require_POST
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide about one entry and go on with the list it was chosen from."""
    entry = known_entry(pk)
    form = ReviewForm(request.POST)
    if form.is_valid():
        try:
            services.review(user=person(request), entry=entry, seen_at=_seen_at(request), **form.cleaned_data)
        except InvalidInput as error:
            form.add_error("note", error.message)
        except MovedOn as error:
            form.add_error(None, error.message)
            return _pane(request, known_entry(pk), form, status=error.status)
        else:
            return _done(request, [entry], form.cleaned_data["verdict"])
    return _pane(request, entry, form, status=422)


def _pane(request: HttpRequest, entry: ActivityEntry, form: ReviewForm, *, status: int) -> HttpResponse:
    context = pane(request, entry, form)
    return render_page(request, "activity/detail.html", "activity/_pane.html", context, status=status)


@require_POST
def adopt(request: HttpRequest, pk: int) -> HttpResponse:
    entry = known_entry(pk)
    services.adopt(user=person(request), entry=entry, note=request.POST.get("note", ""), seen_at=_seen_at(request))
    return _done(request, [entry], "adopted as the baseline")


@require_POST
def revert(request: HttpRequest, pk: int) -> HttpResponse:
    """On to the draft that was made: its author reads it, says why, and submits it."""
    entry = known_entry(pk)
    note, seen_at = request.POST.get("note", ""), _seen_at(request)
    _, number = services.open_revert(user=person(request), entry=entry, note=note, seen_at=seen_at)
    _done(request, [entry], f"change #{number} would put back what was before")
    messages.success(request, "Drafted with what was there before: read it, say why, and submit it.")
    return redirect(reverse("changes:detail", args=[number]))


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    entry = known_entry(pk)
    services.ask(user=person(request), entry=entry, text=request.POST.get("question", ""))
    return _done(request, [entry], f"asked {entry.author}")


@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    entry = known_entry(pk)
    services.answer(user=person(request), entry=entry, text=request.POST.get("answer", ""))
    messages.success(request, "Your answer is on record.")
    return redirect(_back_to_list(request, pk))


@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    entry, to = known_entry(pk), request.POST.get("assignee", "")
    services.assign(user=person(request), entry=entry, to=to)
    return _done(request, [entry], f"assigned to {to}" if to else "assigned to nobody")


@require_POST
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    entry, until = known_entry(pk), snoozed_until(request.POST.get("until", ""))
    services.snooze(user=person(request), entry=entry, until=until)
    return _done(request, [entry], f"snoozed until {until:%a %d %b, %H:%M}")


@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    entry = known_entry(pk)
    services.reopen(user=person(request), entry=entry, seen_at=_seen_at(request))
    return _done(request, [entry], "unreviewed again")


@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take back the click that the page offers to take back."""
    done = services.undo(user=person(request), batch=_batch(request.POST.get("batch", "")))
    request.session.pop(UNDO, None)
    messages.success(request, "Taken back." if done else "It had been taken back already.")
    return redirect(_back_to_list(request, done[0].pk if done else None))


@require_POST
def review_many(request: HttpRequest) -> HttpResponse:
    """The ticked entries, or all that match: accept, flag or assign them with one click."""
    user, keys = person(request), _keys(request)
    if request.POST.get("do") == "assign":
        to = request.POST.get("assignee", "")
        done, said = services.assign_keys(user=user, keys=keys, to=to), f"assigned to {to or 'nobody'}"
    else:
        verdict, note = request.POST.get("verdict", ""), request.POST.get("note", "")
        done = services.review_keys(user=user, keys=keys, verdict=verdict, note=note, seen_at=_seen_at(request))
        said = verdict
        if left := len(keys) - len(done):
            told = "has been dealt with by somebody else" if left == 1 else "have been dealt with by others"
            messages.info(request, f"{left} of them {told} since you opened the list, and stayed as decided.")
    return _done(request, done, said)


def _keys(request: HttpRequest) -> list[int]:
    if request.POST.get("all_matching"):
        seen_at, total = _seen_at(request), number(request.POST.get("total", ""))
        if seen_at is None or total is None:
            raise bad("entries", "Open the list again: this page does not say what you have seen.")
        matching = services.Matching(request.POST.get("back", ""), seen_at, total)
        return services.keys_of(person(request), matching)
    return services.chosen(services.resolve(request.POST.getlist("entries")))


def _seen_at(request: HttpRequest) -> datetime | None:
    """When the page that was clicked was made, as it says itself."""
    try:
        return read_moment(request.POST.get("seen_at", "")[:40])
    except Unusable:
        return None


def _done(request: HttpRequest, entries: Sequence[ActivityEntry], said: str) -> HttpResponse:
    """Say what was done and remember how to take it back."""
    what = presenters.sentence(entries[0]) if len(entries) == 1 else f"{len(entries)} entries"
    batch = last_batch(person(request), entries)
    if batch is None:
        messages.success(request, known_people.named(f"{what}: {said}.", known_people.names()))
    else:  # the list says it beside the button that takes it back
        kept = {"batch": str(batch), "text": f"{what}: {said}."[:300], "at": timezone.now().timestamp()}
        request.session[UNDO] = kept
    return redirect(_back_to_list(request, number(request.POST.get("next", ""))))


def undo_offer(request: HttpRequest) -> dict[str, Any] | None:
    """What this person has just done and can take back, from their session: no query."""
    offer: dict[str, Any] | None = request.session.get(UNDO)
    if offer is None or offer["at"] < (timezone.now() - WITHIN + timedelta(seconds=5)).timestamp():
        return None
    return offer


def _batch(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


def _back_to_list(request: HttpRequest, entry: int | None = None) -> str:
    """The list with the filters it had; the entry that was dealt with is let go, so that the next one shows."""
    query = QueryDict(request.POST.get("back", "")[:2_000], mutable=True)
    query.pop("entry", None)
    if entry is not None:
        query["entry"] = str(entry)
    return f"{reverse('activity:list')}?{query.urlencode()}"
