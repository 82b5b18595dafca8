"""Reasons that people give for what they do: everybody who reads the trail reads them."""

from __future__ import annotations

from warehouse_admin.audit.redaction import holds_key
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.unseen import is_blank

LONGEST = 2_000
HOLDS_KEY = "This holds what looks like an API key, and everybody here could read it: take it out, and revoke that key."


def clean_reason(reason: str, *, needed: bool = True) -> str:
    """The reason without outer space; InvalidInput where it cannot be kept, or is `needed` and nothing can be seen.

    One that is not needed may be left out, but not given in characters that nobody sees.
    """
    reason = reason.strip()
    problem = ""
    if "\x00" in reason:
        problem = "The reason contains a NUL character; remove it."
    elif is_blank(reason) and (needed or reason):
        problem = "Say why; the reason is kept in the audit trail."
    elif len(reason) > LONGEST:
        problem = f"At most {LONGEST:,} characters."
    elif holds_key(reason):
        problem = HOLDS_KEY
    if problem:
        raise InvalidInput(problem, errors={"reason": [problem]})
    return reason
