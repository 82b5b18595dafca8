"""What people are called, for pages that hold no more than an address of PostHog or a user name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.core.cache import cache

from warehouse_admin.accounts.models import User
from warehouse_admin.mirror.models import RemoteActivity, SavedQuery

KEY = "mirror.known_people"
KEPT_FOR = 300
LOOKED_AT = 2_000
"""Newest lines of PostHog's log; whoever is in none of them has mostly made a view."""

_ADDRESS = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_NAMED = re.compile(rf"^\S+(?= )|(?<=\bby )[\w.@+-]*[\w+-]|{_ADDRESS}")


def names() -> dict[str, str]:
    """Display names by address and user name, in small letters. What this portal calls somebody goes before PostHog."""
    found: dict[str, str] | None = cache.get(KEY)
    if found is None:
        found = _read()
        cache.set(KEY, found, KEPT_FOR)
    return found


def named(text: str, known: Mapping[str, str]) -> str:
    """A sentence with names in place of addresses, and of user names where somebody did something."""
    return _NAMED.sub(lambda found: known.get(found[0].lower(), found[0]), text)


def _read() -> dict[str, str]:
    logged = RemoteActivity.objects.order_by("-pk").values_list("user_email", "user_name")[:LOOKED_AT]
    made = SavedQuery.objects.order_by().values_list("created_by_email", "created_by_name").distinct()
    found = {email.lower(): name for email, name in (*made, *reversed(logged)) if email and name}
    people = User.objects.only("username", "email", "first_name", "last_name")
    for person in people:
        found[person.username.lower()] = person.display_name
        if person.email:
            found[person.email.lower()] = person.display_name
    return found
