"""A campaign as a CSV file that a spreadsheet cannot be tricked by."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime

from warehouse_admin.schedules.models import BulkResumeItem

HEADER = ["view", "id", "outcome", "detail", "state before", "sent at", "settled at", "campaign"]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines(items: Iterable[BulkResumeItem]) -> Iterator[str]:
    """The lines of the file, header first."""
    yield _line(HEADER)
    for item in items:
        view = item.saved_query
        yield _line(
            [
                view.name,
                str(view.posthog_id),
                item.outcome,
                item.detail,
                str(item.before.get("schedule_state", "")),
                _moment(item.sent_at),
                _moment(item.settled_at),
                str(item.resume_id),
            ]
        )


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def _harmless(cell: str) -> str:
    """A cell that starts like a formula is shown as text instead of being calculated."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def _moment(value: datetime | None) -> str:
    return value.isoformat(timespec="seconds") if value else ""
