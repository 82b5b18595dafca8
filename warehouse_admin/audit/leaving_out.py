"""Filters turned around: a value that begins with a minus leaves out what it names, as `-erin` or `-erin,-olga`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_

from django.db.models import Q

MOST = 20


def left_out(value: str) -> list[str]:
    """What a value leaves out; nothing for one that asks for something."""
    if not value.startswith("-"):
        return []
    named = (one.strip().removeprefix("-").strip() for one in value.split(","))
    return list(dict.fromkeys(one for one in named if one))[:MOST]


def any_of(values: Sequence[str], matching: Callable[[str], Q]) -> Q:
    """What matches one of them."""
    return reduce(or_, map(matching, values), Q(pk__in=[]))
