"""What PostHog takes as the name of a view."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 128
_VALID = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$]*")


def is_valid(name: str) -> bool:
    """Whether its letters are accepted; how long it is, and who has it, is another question."""
    return _VALID.fullmatch(name) is not None


def is_plain(name: str) -> bool:
    """Whether queries can read it without quotes, unless it is a word of theirs: a dot has a part on either side."""
    return is_valid(name) and all(name.split("."))
