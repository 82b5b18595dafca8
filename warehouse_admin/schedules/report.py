"""A campaign as a CSV file that a spreadsheet cannot be tricked by."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime

from warehouse_admin.core.spreadsheets import harmless
from warehouse_admin.schedules.methods.cadence import cadence_given_back
from warehouse_admin.schedules.models import CampaignItem

HEADER = [
    "view",
    "id",
    "outcome",
    "detail",
    "state before",
    "sent at",
    "settled at",
    "follow-up",
    "follow-up at",
    "change",
    "campaign",
    "action",
    "method",
    "cadence",
]


def lines(items: Iterable[CampaignItem]) -> Iterator[str]:
    """The lines of the file, header first."""
    yield _line(HEADER)
    for item in items:
        view = item.saved_query
        yield _line(
            [
                view.name,
                str(view.posthog_id),
                item.outcome,
                item.told,
                str(item.before.get("schedule_state", "")),
                _moment(item.sent_at),
                _moment(item.settled_at),
                item.follow_up,
                _moment(item.follow_up_at),
                str(item.change_number or ""),
                str(item.campaign_id),
                item.campaign.action,
                item.campaign.method,
                cadence_given_back(item),
            ]
        )


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([harmless(cell) for cell in cells])
    return out.getvalue()


def _moment(value: datetime | None) -> str:
    return value.isoformat(timespec="seconds") if value else ""
