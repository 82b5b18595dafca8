"""What people are called, for pages that hold no more than an address of PostHog or a user name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import uuid4

from django.core.cache import cache
from django.db.models import CharField, IntegerField, Subquery, Value

from warehouse_admin.accounts.models import User
from warehouse_admin.mirror.models import RemoteActivity, SavedQuery

KEY = "mirror.known_people"
KEPT_FOR = 300
_NONE = Value("", output_field=CharField())
LOOKED_AT = 2_000
"""Newest lines of PostHog's log; whoever is in none of them has mostly made a view."""

_ADDRESS = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_NAMED = re.compile(rf"^\S+(?= )|(?<=\bby )[\w.@+-]*[\w+-]|{_ADDRESS}")


_held: tuple[str, dict[str, str]] = ("", {})
"""What this process has read, with its stamp: thousands of names are not fetched from the cache for each page."""


def names() -> dict[str, str]:
    """Display names by address and user name, in small letters. What this portal calls somebody goes before PostHog."""
    global _held
    stamp: str | None = cache.get(KEY)
    if stamp is None:
        stamp = uuid4().hex
        cache.set(KEY, stamp, KEPT_FOR)
    if stamp != _held[0]:
        _held = stamp, _read()
    return _held[1]


def named(text: str, known: Mapping[str, str]) -> str:
    """A sentence with names in place of addresses, and of user names where somebody did something."""
    return _NAMED.sub(lambda found: known.get(found[0].lower(), found[0]), text)


def _read() -> dict[str, str]:
    """In one query: this portal's people, whoever made a view, and whoever is in the newest lines of the log."""
    newest = RemoteActivity.objects.order_by("-pk").values("pk")[:1]
    logged = RemoteActivity.objects.filter(pk__gt=Subquery(newest) - LOOKED_AT)
    rows = User.objects.order_by().values_list("username", "email", "first_name", "last_name", _rank(1))
    rows = rows.union(
        SavedQuery.objects.order_by().values_list(_NONE, "created_by_email", "created_by_name", _NONE, _rank(0)),
        logged.order_by().values_list(_NONE, "user_email", "user_name", _NONE, _rank(0)),
    )
    found: dict[str, str] = {}
    # PostHog's log may know the first name alone: of one person's names the longest is taken.
    for user_name, address, first, last, _ in sorted(rows, key=lambda row: (row[-1], len(f"{row[2]} {row[3]}"))):
        name = f"{first} {last}".strip() or user_name
        found.update({key.lower(): name for key in (user_name, address) if key and name})
    return found


def _rank(number: int) -> Value:
    """Later goes before earlier."""
    return Value(number, output_field=IntegerField())
