"""What one operator of the search is. Apps above the mirror bring their own through `hooks.search_operators`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q


class Unusable(ValueError):
    """The value of an operator means nothing; the message says what does."""


@dataclass(frozen=True)
class Asked:
    """Who searches, and within which connection (a slug; empty for all)."""

    user: Any = None
    connection: str = ""


@dataclass(frozen=True)
class Offer:
    """A value that an operator offers; `hint` says what it is."""

    value: str
    hint: str = ""


@dataclass(frozen=True)
class Operator:
    """`name:value`. `condition` gives the views that fit or raises Unusable, `offers` values for a beginning.

    `one_of`: a view has one such value at most, so that the operator given twice means either of them.
    """

    name: str
    meaning: str
    example: str
    condition: Callable[[str, Asked], Q]
    offers: Callable[[str, Asked], list[Offer]]
    one_of: bool = False


def none_offered(typed: str, asked: Asked) -> list[Offer]:
    """For operators whose values nobody could list."""
    return []


def from_list(values: list[Offer], typed: str) -> list[Offer]:
    """Those of a short list that contain what was typed, those that begin with it first."""
    wanted = typed.casefold()
    fitting = [
        offer
        for offer in values
        if wanted in offer.value.casefold() or (len(wanted) > 2 and wanted in offer.hint.casefold())
    ]
    return sorted(fitting, key=lambda offer: not offer.value.casefold().startswith(wanted))
