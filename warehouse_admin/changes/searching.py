"""The search box of the changes: typed conditions such as `author:ana state:in_review is:mine #12`, and free words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import policies
from warehouse_admin.changes.models import ChangeRequest, Vote
from warehouse_admin.core.searching import MOST_WORDS
from warehouse_admin.mirror.models import SavedQuery

LONGEST = 500
HELP = (
    ("author:ana", "proposed by somebody; author:me for yourself"),
    ("reviewer:remy", "voted on by somebody"),
    ("state:in_review", "in this state"),
    ("action:edit_query", "what it does to the view"),
    ("view:orders", "the name of the view"),
    ("is:mine", "also is:open, is:closed"),
    ("#12", "the change of this number"),
)
_TYPED = re.compile(r"(author|state|action|view|reviewer|is):(.+)", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"#([0-9]{1,15})")


@dataclass
class Search:
    """What was asked for: a condition, and what of it makes no sense, in sentences."""

    condition: Q = field(default_factory=Q)
    problems: list[str] = field(default_factory=list)


def parse(text: str, user: User) -> Search:
    """Read what a person typed; every part narrows further, and what makes no sense finds nothing."""
    found = Search()
    for part in _parts(text.replace("\0", " ")[:LONGEST])[:MOST_WORDS]:
        typed, number = _TYPED.fullmatch(part), _NUMBER.fullmatch(part)
        if typed:
            found.condition &= _typed(typed[1].lower(), typed[2], user, found.problems)
        elif number:
            found.condition &= Q(pk=int(number[1]))
        else:
            found.condition &= _anywhere(part)
    return found


def _parts(text: str) -> list[str]:
    """Words, and what stands in double quotes as one; an apostrophe is only a letter."""
    reader = shlex.shlex(text, posix=True)
    reader.whitespace_split, reader.quotes, reader.escape, reader.commenters = True, '"', "", ""
    try:
        return list(reader)
    except ValueError:  # a quotation without its end
        return text.replace('"', " ").split()


def _typed(key: str, value: str, user: User, problems: list[str]) -> Q:
    if key in _OFFERED and value.lower() not in _OFFERED[key]:
        problems.append(f"There is no {key}:{value[:40]}. Use one of {', '.join(_OFFERED[key])}.")
        return Q(pk__in=[])
    return _CONDITIONS[key](value, user)


def _author(value: str, user: User) -> Q:
    return Q(author=user) if value.lower() == "me" else Q(author__in=_people(value))


def _reviewer(value: str, user: User) -> Q:
    voter = Q(voter=user) if value.lower() == "me" else Q(voter__in=_people(value))
    return Q(Exists(Vote.objects.filter(voter, change=OuterRef("pk"))))


def _is(value: str, user: User) -> Q:
    closed = Q(state__in=ChangeRequest.CLOSED)
    return {"mine": policies.written_by(user), "open": ~closed, "closed": closed}[value.lower()]


_CONDITIONS: dict[str, Callable[[str, User], Q]] = {
    "author": _author,
    "reviewer": _reviewer,
    "state": lambda value, user: Q(state=value.lower()),
    "action": lambda value, user: Q(action=value.lower()),
    "view": lambda value, user: Q(saved_query__in=_views(value)),
    "is": _is,
}
_OFFERED: dict[str, list[str]] = {
    "state": list(ChangeRequest.State.values),
    "action": list(ChangeRequest.Action.values),
    "is": ["mine", "open", "closed"],
}


def _anywhere(word: str) -> Q:
    # Names are looked for in their own tables first: joined, each would be fetched and compared once for each change.
    match = Q(saved_query__in=_views(word)) | Q(reason__mentions=word) | Q(author__in=_people(word))
    return match | Q(pk=int(word)) if re.fullmatch(r"[0-9]{1,15}", word) else match


def _views(text: str) -> object:
    return SavedQuery.objects.filter(name__icontains=text).values("pk")


def _people(text: str) -> object:
    return User.objects.filter(username__icontains=text).values("pk")
