"""What an API key of PostHog or of this portal looks like, wherever text is kept or logged.

A view may be called `wa_customers_daily` or `phi_scores_daily`, and the trail must be able to name it. So the prefixes
are of two kinds:

- Those that PostHog gives out (`phx_` personal, `phc_` project, `phs_` secret, `pha_` and `phr_` of OAuth) hide what
  follows, whatever it is, because the keys of a stand-in are plain words: `phx_sandbox_full`.
- `wa_` goes before 43 random characters of base64, and one that PostHog may bring some day before as many of base62.
  One in ten billion of those has neither a capital nor a long unbroken run; what has either is hidden, also a part of
  a key. The rest are names in small letters; a stump of a key among them is too short to open anything.
"""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
LIKE_A_KEY = re.compile(
    r"""
    (?: \b | (?<=\\[nrt]) | (?<=\\u[0-9A-Fa-f]{4}) | (?<=%[0-9A-Fa-f]{2}) )  # escapes end with letters and digits
    (?: ph[acrsx]_
      | (?: ph[a-z]_ | wa_ ) (?= [\w-]* (?: [A-Z] | [a-z0-9]{24} ) )
    )
    [\w-]{8,}
    """,
    re.VERBOSE | re.ASCII,
)


def without_keys(text: str) -> str:
    """The same text with each of them hidden."""
    return LIKE_A_KEY.sub(HIDDEN, text)
