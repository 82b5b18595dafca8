"""Who last touched each line of a view's SQL, told by the versions that the mirror keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Any

import redis
from django.core.cache import cache
from django.db.models.functions import Length

from warehouse_admin.core import blame
from warehouse_admin.mirror.models import SavedQuery, SavedQueryVersion

VERSIONS, CHARACTERS = 500, 4_000_000
"""How far back it looks: at the newest so many versions, and so many characters of all of them together."""
CACHED_FROM = 200_000
"""Characters; fewer are compared sooner than the cache is asked."""
KEPT_FOR = 24 * 3600


@dataclass(frozen=True)
class Line:
    """One line. `version` None: it is older than what was looked at, or newer than any version kept."""

    number: int
    text: str
    version: SavedQueryVersion | None
    starts: bool  # whether the line before was last touched by another version


@dataclass(frozen=True)
class Authorship:
    """The present SQL line by line; `caveat` says in a sentence why some lines name no version."""

    lines: list[Line]
    caveat: str


def of(view: SavedQuery, *, ignore_layout: bool = False) -> Authorship:
    """Blame the lines of the present text; of one that is gone, of the last. Two queries; bounded whatever the size."""
    if view.query is None:
        return Authorship([], "")
    versions = list(view.versions.defer("query").annotate(size=Length("query"))[: VERSIONS + 1])
    unkept = not versions or versions[0].query_hash != view.query_hash
    read = versions[: _affordable(versions[:VERSIONS])]
    found = _cached(view, read, unkept, ignore_layout)
    owners: list[SavedQueryVersion | None] = [None, *read] if unkept else [*read]
    cut = len(read) < len(versions)
    by_age = [None if cut and age == len(owners) - 1 else owner for age, owner in enumerate(owners)]
    named = [None if age is None else by_age[age] for age in found.ages]
    texts = blame.lines_of(view.query)
    lines = [
        Line(at + 1, text, owner, starts=at == 0 or owner != named[at - 1])
        for at, (text, owner) in enumerate(zip(texts, named, strict=True))
    ]
    return Authorship(lines, _caveat(found, owners, None in named, unkept))


def _affordable(versions: list[Any]) -> int:
    """How many of the newest may be read, one at least."""
    sums = accumulate(version.size for version in versions)
    return max(sum(1 for _ in takewhile(lambda total: total <= CHARACTERS, sums)), 1)


def _cached(view: SavedQuery, read: list[Any], unkept: bool, ignore_layout: bool) -> blame.Blame:
    """A version that comes to light late moves up the newest one's number, so what is kept never names a wrong one."""
    if sum(version.size for version in read) < CACHED_FROM:
        return _worked_out(view, read, unkept, ignore_layout)
    key = f"blame:{view.pk}:{read[0].number}:{len(read)}:{view.query_hash}:{unkept:d}{ignore_layout:d}"
    try:
        found = cache.get(key)
        if not isinstance(found, blame.Blame):
            found = _worked_out(view, read, unkept, ignore_layout)
            cache.set(key, found, KEPT_FOR)
    except redis.RedisError:
        return _worked_out(view, read, unkept, ignore_layout)
    return found


def _worked_out(view: SavedQuery, read: list[Any], unkept: bool, ignore_layout: bool) -> blame.Blame:
    return blame.blame(_texts(view, read, unkept), ignore_layout=ignore_layout)


def _texts(view: SavedQuery, read: list[Any], unkept: bool) -> Iterator[str]:
    """Newest first; those of versions only as they are asked for."""
    if unkept:
        yield view.query or ""
    if read:
        known = view.versions.filter(number__gte=read[-1].number)
        yield from known.values_list("query", flat=True).iterator(chunk_size=10)


def _caveat(found: blame.Blame, owners: list[Any], nameless: bool, unkept: bool) -> str:
    if not nameless:
        return ""
    oldest = owners[min(found.looked_at, len(owners)) - 1]
    if oldest is None:
        return "No version of this text is kept yet; the next sync takes one."
    told = f"Lines without a name are from v{oldest.number} or earlier: the texts are too long to look further back."
    return f"{told} Some may be newer than the newest version that is kept." if unkept else told
