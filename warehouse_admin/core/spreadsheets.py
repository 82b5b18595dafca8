"""Text of others in files that are opened in a spreadsheet."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  some take the wide signs too


def harmless(cell: str) -> str:
    """A cell that starts like a formula, marked so that it is shown as text instead of being calculated."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell
