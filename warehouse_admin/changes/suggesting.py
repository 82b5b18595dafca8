"""Texts suggested for some lines: what is kept of them, and taking them into a new revision or not."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import HOLDS_KEY
from warehouse_admin.changes import anchoring, policies
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest, Place, Revision, Thread, ThreadComment, line_words
from warehouse_admin.changes.revising import Suggested, refuse_stale, revise
from warehouse_admin.changes.transitions import current_revision, lock, note, record, require_state
from warehouse_admin.core import anchors
from warehouse_admin.core.errors import InvalidInput, Missing

LONGEST = 5_000
MOST_AT_ONCE = 100
Decision = ThreadComment.Decision


def clean(typed: str, quoted: str, side: str) -> str:
    """What is kept of a suggested text; InvalidInput where it suggests nothing, or cannot be taken in."""
    new = plain(typed)
    told = ""
    if side == Thread.Side.BASE:
        told = "The base is what PostHog holds: suggest a text for lines of the proposal."
    elif max(len(new), len(quoted)) > LONGEST:
        told = f"At most {LONGEST:,} characters, of the lines and of what is to stand there."
    elif new == plain(quoted):
        told = "This is what stands there already."
    elif "\0" in new or not _is_whole(new):
        told = "This holds characters that no query can hold; remove them."
    elif audit.holds_key(new):
        told = HOLDS_KEY
    if told:
        raise InvalidInput(told, errors={"suggestion": [told]})
    return new


def plain(text: str) -> str:
    """With LF at the end of every line, as nobody sees another one."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def accept(change: ChangeRequest, user: User, suggestions: Sequence[int], *, revision: int) -> ChangeRequest:
    """Take suggestions into one new revision, which is credited to those who made them, and resolve their threads.

    `revision` is the one that was looked at. Nothing is taken in unless every one of them still fits.
    """
    with transaction.atomic():
        change = lock(change)
        policies.require_author(user, change, action="change.suggestions_accepted")
        chosen = _chosen(change, suggestions)
        if all(one.decision == Decision.ACCEPTED for one in chosen):
            return change  # a double click
        _refuse_decided(chosen)
        require_state(change, "revise")
        latest = current_revision(change)
        refuse_stale(latest, revision)
        places = {one.pk: _place(one, latest) for one in chosen}
        _refuse_overlaps([places[one.pk] for one in chosen])
        parts = [(places[one.pk], one.replacement) for one in chosen]
        query = anchors.replaced(anchoring.text_of(latest.item, Thread.Side.PROPOSAL), parts)
        people = tuple({one.author_id: one.author for one in chosen}.values())
        suggested = Suggested(people, tuple(one.pk for one in chosen))
        change = revise(change, user, query, latest.number, suggested=suggested)
        _settle(chosen, places, user, current_revision(change))
    return change


def decline(change: ChangeRequest, user: User, suggestion: int) -> Thread:
    """Say no to a suggestion; its thread stays open for what is left to say."""
    with transaction.atomic():
        change = lock(change)
        policies.require_author(user, change, action="change.suggestion_declined")
        one = _chosen(change, [suggestion])[0]
        if one.decision == Decision.DECLINED:
            return one.thread  # a double click
        _refuse_decided([one])
        _decide(one, user, Decision.DECLINED)
        note(change, user, "suggestion_declined", one.thread.lines, thread=one.thread)
        record(change, user, "suggestion_declined", after={"thread": one.thread_id, "suggestion": one.pk})
    return one.thread


def fits(thread: Thread, latest: Revision) -> bool:
    """Whether the lines still stand in the newest revision as they were when it was opened."""
    place = thread.place_in(latest.number)
    text = anchoring.text_of(latest.item, thread.side)
    return place is not None and anchors.quote(text, place) == thread.quoted


def _chosen(change: ChangeRequest, keys: Sequence[int]) -> list[ThreadComment]:
    if not keys or len(keys) > MOST_AT_ONCE:
        told = f"Choose at least one suggestion, and at most {MOST_AT_ONCE}."
        raise InvalidInput(told, errors={"suggestions": [told]})
    wanted = {key for key in keys if key < 2**63}
    found = ThreadComment.objects.filter(thread__change=change, is_suggestion=True, pk__in=wanted)
    chosen = list(found.select_related("thread__opened_by", "author", "accepted_in"))
    if len(chosen) != len(set(keys)):
        raise Missing(f"{change} has no such suggestion.")
    return chosen


def _refuse_decided(chosen: list[ThreadComment]) -> None:
    for one in chosen:
        if one.decision:
            where = f" in r{one.accepted_in.number}" if one.accepted_in else ""
            raise StateForbids(
                f"What {one.author.display_name} suggested for {one.thread.lines} was {one.decision} already{where}."
            )


def _place(one: ThreadComment, latest: Revision) -> Place:
    """Where its lines stand now; StateForbids where they are not the ones it was written for."""
    place = one.thread.place_in(latest.number)
    if place is None or not fits(one.thread, latest):
        raise StateForbids(
            f"The lines that {one.author.display_name} suggested another text for ({one.thread.lines} of "
            f"r{one.thread.revision_number}) have changed since. Nothing was saved, and the suggestion is kept: edit "
            "the query by hand, or ask for a new one.",
            kind="fix",
            who=one.author.display_name,
        )
    return place


def _refuse_overlaps(places: list[Place]) -> None:
    ordered = sorted(places)
    for (_, last), (first, _) in zip(ordered, ordered[1:], strict=False):
        if first <= last:
            told = f"Two of them are about {line_words(first, first)}. Accept one, then look at the other again."
            raise InvalidInput(told, errors={"suggestions": [told]})


def _settle(chosen: list[ThreadComment], places: dict[int, Place], user: User, made: Revision) -> None:
    """Their threads stand where the new lines do."""
    grown = 0
    for one in sorted(chosen, key=lambda one: places[one.pk]):
        first, last = places[one.pk]
        size = len(one.replacement.split("\n")) if one.replacement else 0
        thread = one.thread
        thread.places[str(made.number)] = (first + grown, first + grown + size - 1) if size else None
        grown += size - (last - first + 1)
        if not thread.is_resolved:
            thread.resolved_by, thread.resolved_at = user, timezone.now()
        thread.save(update_fields=["places", "resolved_by", "resolved_at"])
        one.accepted_in = made
        _decide(one, user, Decision.ACCEPTED)


def _decide(one: ThreadComment, user: User, decision: Decision) -> None:
    one.decision, one.decided_by, one.decided_at = decision, user, timezone.now()
    one.save(update_fields=["decision", "decided_by", "decided_at", "accepted_in"])


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
