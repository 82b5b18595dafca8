"""The threads of a change as its page shows them: under their lines, or in a list with the lines as they were."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import PROPOSE
from warehouse_admin.changes import policies, suggesting
from warehouse_admin.changes.models import ChangeRequest, Place, Revision, Thread, ThreadComment, line_words
from warehouse_admin.changes.transitions import ALLOWED

_PEOPLE = ("author", "decided_by", "thread__opened_by", "thread__resolved_by")


@dataclass
class Talk:
    """One thread and what this person may do with it."""

    thread: Thread
    comments: list[ThreadComment]
    place: Place | None  # in the newest revision
    may_settle: bool
    may_decide: bool
    fits: bool  # whether what is suggested can be taken in as it is
    is_shown: bool = False  # under a line of the comparison on this page

    @property
    def is_outdated(self) -> bool:
        return self.place is None

    @property
    def lines(self) -> str:
        """Where it stands now, or where it stood."""
        if self.place is None:
            return f"{self.thread.lines} of r{self.thread.revision_number}"
        return line_words(*self.place, self.thread.side)

    @property
    def nonce(self) -> str:
        """Of the form for a reply."""
        return uuid.uuid4().hex

    @property
    def may_suggest(self) -> bool:
        return self.thread.side == Thread.Side.PROPOSAL and len(self.thread.quoted) <= suggesting.LONGEST

    @property
    def first(self) -> ThreadComment:
        return self.comments[0]

    @property
    def open_suggestions(self) -> list[ThreadComment]:
        return [one for one in self.comments if one.is_open_suggestion]


@dataclass
class Talks:
    """All of them, and where on the page each one goes: by the line under which it is shown, on either side."""

    every: list[Talk] = field(default_factory=list)
    old: dict[int, list[Talk]] = field(default_factory=dict)
    new: dict[int, list[Talk]] = field(default_factory=dict)

    @property
    def unresolved(self) -> list[Talk]:
        return [talk for talk in self.every if not talk.thread.is_resolved]

    @property
    def elsewhere(self) -> list[Talk]:
        """Those that no line of the comparison shows: unresolved ones first."""
        return sorted((talk for talk in self.every if not talk.is_shown), key=lambda talk: talk.thread.is_resolved)

    @property
    def acceptable(self) -> list[ThreadComment]:
        """Suggestions that this person can take in together."""
        return [one for talk in self.unresolved if talk.may_decide and talk.fits for one in talk.open_suggestions]


@dataclass(frozen=True)
class Column:
    """One column of a comparison: a text of a revision."""

    revision: int
    side: str


def talks(change: ChangeRequest, user: User, newest: Revision) -> Talks:
    """Every thread of a change, oldest first, in one query; none where it is known that there are none."""
    if not getattr(change, "has_threads", True):
        return Talks()
    return Talks([_talk(change, user, newest, thread, said) for thread, said in threads_of(change)])


def one_talk(change: ChangeRequest, user: User, newest: Revision, key: int) -> Talk:
    """One of them, of which it is known that it is there."""
    return next(talk for talk in talks(change, user, newest).every if talk.thread.pk == key)


def threads_of(change: ChangeRequest) -> list[tuple[Thread, list[ThreadComment]]]:
    """Every thread with what was said in it, in one query."""
    rows = ThreadComment.objects.filter(thread__change=change).select_related("accepted_in", *_PEOPLE)
    found: dict[int, tuple[Thread, list[ThreadComment]]] = {}
    for comment in rows.order_by("thread_id", "pk"):
        found.setdefault(comment.thread_id, (comment.thread, []))[1].append(comment)
    return list(found.values())


def put_beside(found: Talks, old: Column, new: Column) -> None:
    """Put each thread under the last of its lines in the column that has them; the newer text first."""
    for talk in found.every:
        for column, asides in ((new, found.new), (old, found.old)):
            place = talk.thread.place_in(column.revision) if talk.thread.side == column.side else None
            if place is not None:
                asides.setdefault(place[1], []).append(talk)
                break


def mark_shown(asides: Iterable[Any]) -> None:
    """Note which of them stand in the comparison, which ends where it gets too long."""
    for talk in asides:
        talk.is_shown = True


def _talk(change: ChangeRequest, user: User, newest: Revision, thread: Thread, comments: list[ThreadComment]) -> Talk:
    suggests = any(one.is_open_suggestion for one in comments)
    writes = policies.is_writer(user, change) and allows(user, PROPOSE) and change.state in ALLOWED["revise"]
    return Talk(
        thread=thread,
        comments=comments,
        place=thread.place_in(newest.number),
        may_settle=policies.may_settle(user, change, thread),
        may_decide=suggests and writes,
        fits=suggests and suggesting.fits(thread, newest),
    )


def thread_dict(change: ChangeRequest, thread: Thread, comments: list[ThreadComment]) -> dict[str, Any]:
    """One thread as the API shows it."""
    place = thread.place_in(change.revision_number)
    now = {"revision": change.revision_number, "line": place[0], "to": place[1]} if place else None
    return {
        "id": thread.pk,
        "revision": thread.revision_number,
        "side": thread.side,
        "line": thread.first_line,
        "to": thread.last_line,
        "quoted": thread.quoted,
        "now": now,
        "opened_by": thread.opened_by.get_username(),
        "opened_at": thread.opened_at,
        "resolved": thread.is_resolved,
        "resolved_by": thread.resolved_by.get_username() if thread.resolved_by else None,
        "resolved_at": thread.resolved_at,
        "comments": [_comment_dict(one) for one in comments],
    }


def _comment_dict(one: ThreadComment) -> dict[str, Any]:
    return {
        "id": one.pk,
        "author": one.author.get_username(),
        "at": one.at,
        "text": one.text,
        "suggestion": one.replacement if one.is_suggestion else None,
        "decision": (one.decision or "open") if one.is_suggestion else None,
        "decided_by": one.decided_by.get_username() if one.decided_by else None,
        "decided_at": one.decided_at,
        "accepted_in": one.accepted_in.number if one.accepted_in else None,
    }


def dicts_of(change: ChangeRequest, threads: Iterable[Thread]) -> list[dict[str, Any]]:
    """Several threads of one change as the API shows them, in one query."""
    said = defaultdict(list)
    keys = {thread.pk: thread for thread in threads}
    for one in ThreadComment.objects.filter(thread__in=keys).select_related("author", "decided_by", "accepted_in"):
        said[one.thread_id].append(one)
    return [thread_dict(change, thread, said[key]) for key, thread in keys.items()]
