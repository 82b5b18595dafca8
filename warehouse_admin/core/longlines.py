"""Where a page cuts a line: one line of a megabyte would be a page that nobody can read to its end."""

from __future__ import annotations

LONGEST_LINE = 2_000
"""Characters."""


def went_on(left: int) -> str:
    """Said at the cut."""
    return f"the line goes on, {left:,} more character{'' if left == 1 else 's'}"
