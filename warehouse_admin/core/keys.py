"""What an API key of PostHog or of this portal looks like, wherever text is kept or logged."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
LIKE_A_KEY = re.compile(r"\b(?:ph[a-z]_|wa_)[A-Za-z0-9_-]{8,}")


def without_keys(text: str) -> str:
    """The same text with each of them hidden."""
    return LIKE_A_KEY.sub(HIDDEN, text)
