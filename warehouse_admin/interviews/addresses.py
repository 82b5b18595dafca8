"""E-mail addresses of interviewees, as PostHog takes them: `a@x.io` or `Name <a@x.io>`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from warehouse_admin.core.errors import InvalidInput

FIELD = "interviewee_emails"
MOST = 50
LONGEST = 320
QUOTED = 40
_NAMED = re.compile(r"([^<>]*)<([^<>]+)>")


def split(text: str) -> list[str]:
    """What was typed: one on a line, or several with commas or semicolons between them."""
    lines = text.replace("\r\n", "\n").split("\n")
    pieces = [piece for line in lines for piece in (re.split(r"[,;]", line) if line.count("@") > 1 else [line])]
    return [piece.strip() for piece in pieces if piece.strip()]


def clean(given: Iterable[str], *, quoting: bool = False) -> list[str]:
    """The addresses without repetitions; InvalidInput names what is wrong with which.

    `quoting` repeats what is no address: for a page only, for the API's refusals may be kept with a key.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for number, text in enumerate(given, start=1):
        address = str(text).strip()
        if _is_good(address):
            found.setdefault(address.casefold(), address)
        else:
            told = f"Number {number} is not an e-mail address like a@example.com or Ada <a@example.com>"
            problems.append(f"{told}: “{_shortened(address)}”." if quoting else f"{told}.")
    if not problems and not found:
        problems.append("Give the e-mail address of at least one interviewee.")
    if len(found) > MOST:
        problems.append(f"At most {MOST} interviewees, please.")
    if problems:
        raise InvalidInput(problems[0], errors={FIELD: problems[:10]})
    return list(found.values())


def _shortened(text: str) -> str:
    seen = "".join(one if one.isprintable() else "·" for one in text)
    return seen if len(seen) <= QUOTED else f"{seen[:QUOTED]}…"


def _is_good(address: str) -> bool:
    if len(address) > LONGEST or not address.isprintable():
        return False
    named = _NAMED.fullmatch(address)
    try:
        validate_email(named[2].strip() if named else address)
    except ValidationError:
        return False
    return True
