"""Talking about lines of a change: whoever sees it may, a script of theirs too. Nothing said is ever changed."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import anchoring, apply, policies, suggesting
from warehouse_admin.changes.actions import action_of
from warehouse_admin.changes.comments import require_talk
from warehouse_admin.changes.models import ChangeRequest, Place, Revision, Thread, ThreadComment, line_words
from warehouse_admin.changes.review import clean_comment
from warehouse_admin.changes.transitions import current_revision, lock, note, record
from warehouse_admin.core import anchors
from warehouse_admin.core.digests import json_digest
from warehouse_admin.core.errors import InvalidInput, Missing, UserError
from warehouse_admin.core.unseen import is_blank

MOST_LINES = 50
MOST_THREADS = 200
MOST_COMMENTS = 1_000
"""Of one change, in all its threads together: its page shows them all."""


@dataclass(frozen=True)
class Said:
    """What a form or a call says. `suggestion`: a text for the lines, empty to take them out, None for none."""

    text: str
    suggestion: str | None = None
    nonce: str = ""  # of the form: the same form that says the same says it once

    @property
    def is_nothing(self) -> bool:
        return self.suggestion is None and is_blank(self.text)

    def mark(self, change: ChangeRequest) -> str:
        """What is the same when the same form says the same about a change; empty where no form is known."""
        return json_digest([change.pk, self.nonce, self.text, self.suggestion]) if self.nonce else ""


def open_thread(change: ChangeRequest, user: User, said: Said, *, revision: int, side: str, place: Place) -> Thread:
    """Open a thread about lines of a revision; an older one too, whose lines are then looked for in the newest."""
    with transaction.atomic():
        change = lock(change)
        require_talk(user, change, action="change.thread_opened")
        shown = _revision(change, revision)
        text = text_for(change, shown, side)
        _check_place(text, place)
        if known := _said_before(change, user, said):
            return known.thread
        quoted = anchors.quote(text, place)
        comment = _comment(change, user, said, quoted, side)
        _refuse_too_many(change, opening=True)
        kept = quoted[: anchoring.MOST_QUOTED]
        thread = comment.thread = Thread.objects.create(
            change=change,
            item=shown.item,
            revision_number=shown.number,
            side=side,
            first_line=place[0],
            last_line=place[1],
            quoted=kept,
            places=anchoring.places_of(shown, current_revision(change), side, place, kept),
            opened_by=user,
            opened_at=comment.at,
        )
        comment.save()
        _tell(change, user, "thread_opened", thread, comment)
    return thread


def reply(change: ChangeRequest, user: User, thread: int, said: Said) -> Thread:
    """Say more in a thread, resolved or not; it stays what it is."""
    with transaction.atomic():
        change = lock(change)
        require_talk(user, change, action="change.thread_replied")
        found = thread_of(change, thread)
        _reply(change, user, found, said)
    return found


def resolve(change: ChangeRequest, user: User, thread: int, said: Said | None = None) -> Thread:
    """Call a thread settled, perhaps with a last word. Where threads alone held an approved change back, it starts."""
    return _settle(change, user, thread, said, resolved=True)


def reopen(change: ChangeRequest, user: User, thread: int, said: Said | None = None) -> Thread:
    """Call it unsettled again."""
    return _settle(change, user, thread, said, resolved=False)


def thread_of(change: ChangeRequest, key: int) -> Thread:
    """A thread of this change."""
    found = Thread.objects.filter(change=change, pk=key).select_related("opened_by").first() if key < 2**63 else None
    if found is None:
        raise Missing(f"{change} has no such thread.")
    return found


def text_for(change: ChangeRequest, revision: Revision, side: str) -> str:
    """The text whose lines can be talked about."""
    if side not in Thread.Side.values:
        raise InvalidInput("Say which text.", errors={"side": ["Use base or proposal."]})
    if not action_of(change.action).has_sql:
        raise UserError(f"{change} proposes no text, so there are no lines to talk about. Comment on it as a whole.")
    return anchoring.text_of(revision.item, side)


def _settle(change: ChangeRequest, user: User, key: int, said: Said | None, *, resolved: bool) -> Thread:
    did = "thread_resolved" if resolved else "thread_reopened"
    with transaction.atomic():
        change = lock(change)
        require_talk(user, change, action=f"change.{did}")
        thread = thread_of(change, key)
        policies.require_settle(user, change, thread, action=f"change.{did}")
        if said is not None and not said.is_nothing:
            _reply(change, user, thread, said)
        if thread.is_resolved == resolved:
            return thread  # a double click, or somebody else was faster
        mark(thread, user if resolved else None)
        note(change, user, did, thread.lines, thread=thread)
        record(change, user, did, after={"thread": thread.pk})
        if resolved:
            apply.start_released(change)
    return thread


def mark(thread: Thread, resolved_by: User | None) -> None:
    """Resolved by somebody, or with None not resolved any more."""
    thread.resolved_by, thread.resolved_at = resolved_by, timezone.now() if resolved_by else None
    thread.save(update_fields=["resolved_by", "resolved_at"])


def _reply(change: ChangeRequest, user: User, thread: Thread, said: Said) -> None:
    if _said_before(change, user, said):
        return
    comment = _comment(change, user, said, thread.quoted, thread.side)
    _refuse_too_many(change)
    comment.thread = thread
    comment.save()
    _tell(change, user, "thread_replied", thread, comment)


def _comment(change: ChangeRequest, user: User, said: Said, quoted: str, side: str) -> ThreadComment:
    """What is kept of it; InvalidInput names every field that is wrong."""
    suggests = said.suggestion is not None
    return ThreadComment(
        author=user,
        at=timezone.now(),
        text=clean_comment(change, said.text, needed=not suggests),
        is_suggestion=suggests,
        replacement=suggesting.clean(said.suggestion, quoted, side) if said.suggestion is not None else "",
        nonce=said.mark(change),
    )


def _said_before(change: ChangeRequest, user: User, said: Said) -> ThreadComment | None:
    mark = said.mark(change)
    if not mark:
        return None
    known = ThreadComment.objects.filter(author=user, nonce=mark)
    return known.select_related("thread__opened_by").first()


def _tell(change: ChangeRequest, user: User, did: str, thread: Thread, comment: ThreadComment) -> None:
    note(change, user, did, thread.lines, thread=thread)
    told = {"thread": thread.pk, "comment": comment.pk, "lines": thread.lines, "revision": thread.revision_number}
    if comment.is_suggestion:
        told["suggestion"] = comment.replacement
    record(change, user, did, reason=comment.text, after=told)


def _revision(change: ChangeRequest, number: int) -> Revision:
    found = Revision.numbered(change, number) if 0 < number < 2**31 else None
    if found is None:
        told = f"{change} has no revision {number}."
        raise InvalidInput(told, errors={"revision": [told]})
    return found


def _check_place(text: str, place: Place) -> None:
    (first, last), count = place, anchors.count_of(text)
    told = ""
    if not 1 <= first <= last:
        told = "Give the first line and, if there are several, a last one that is not above it."
    elif last > count:
        told = f"This text has {count:,} line{'' if count == 1 else 's'}, so there is no {line_words(first, last)}."
    elif last - first >= MOST_LINES:
        told = f"At most {MOST_LINES} lines, please: a comment on more is better said about the change as a whole."
    if told:
        raise InvalidInput(told, errors={"line": [told]})


def _refuse_too_many(change: ChangeRequest, *, opening: bool = False) -> None:
    if opening and Thread.objects.filter(change=change).count() >= MOST_THREADS:
        raise UserError(f"{change} has {MOST_THREADS} threads already. Reply in one of them, or comment on the whole.")
    if ThreadComment.objects.filter(thread__change=change).count() >= MOST_COMMENTS:
        raise UserError(f"{change} has {MOST_COMMENTS:,} comments on lines already. Comment on the whole instead.")
