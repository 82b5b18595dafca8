"""The one form of a tag."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.unseen import hidden_characters

LONGEST = 40
MOST = 10
_FORM = re.compile(r"\w[\w./-]*")


def split(text: str) -> list[str]:
    """Tags as people type them into one field: commas between them."""
    return [part for part in text.split(",") if part.strip()]


def clean(names: Iterable[str]) -> list[str]:
    """The tags in their one form, each once, in order; InvalidInput says which is none and why."""
    found: set[str] = set()
    for name in names:
        tag = normal(name)
        if problem := _problem(tag):
            raise _bad(f"“{name.strip()[:LONGEST]}” cannot be a tag: {problem}")
        found.add(tag)
    if len(found) > MOST:
        raise _bad(f"At most {MOST} tags for one object, and these are {len(found)}.")
    return sorted(found)


def normal(name: str) -> str:
    """In small letters, composed, with a hyphen for space: `Gross Margin` is `gross-margin`."""
    return "-".join(unicodedata.normalize("NFKC", name).casefold().split()).removeprefix("#")


def _problem(tag: str) -> str:
    if not tag:
        return "nothing is in it."
    if len(tag) > LONGEST:
        return f"it is longer than {LONGEST} characters."
    if hidden_characters(tag):
        return "it holds a character that nobody sees. Type it anew."
    if not _FORM.fullmatch(tag):
        return "use letters, digits and _ - . / only."
    if tag == "none":
        return "“none” finds what has no tag."
    return ""


def _bad(told: str) -> InvalidInput:
    return InvalidInput(told, errors={"tags": [told]})
