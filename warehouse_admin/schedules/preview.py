"""What the confirm page shows before a campaign starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from warehouse_admin.accounts import services as accounts
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules.pauses import Pause, pause_of
from warehouse_admin.schedules.selectors import Row, rows_of
from warehouse_admin.schedules.start import guard_count, resolve, sources_first

LISTED = 500

_LEFT_OUT = {
    Pause.NONE: "It is not paused as far as the mirror knows; PostHog is asked, and nothing is sent if that is so.",
    Pause.NO_SCHEDULE: "It has no schedule: it is not materialized.",
    Pause.CADENCE: "It has no cadence, which a resume does not give back.",
}


@dataclass(frozen=True)
class Planned:
    """One view of the plan and what speaks against sending it."""

    row: Row
    remark: str

    @property
    def view(self) -> SavedQuery:
        return self.row.view


def preview(ids: Sequence[str]) -> dict[str, Any]:
    """Context of the confirm page: the exact views in the order of sending, with their warnings."""
    try:
        views = sources_first(resolve(ids))
    except InvalidInput as error:
        return {"problem": error.message, "planned": [], "total": 0}
    connection = views[0].connection
    capability = accounts.capability(connection, "resume_schedules")
    planned = [Planned(row, _remark(row)) for row in rows_of([view.pk for view in views[:LISTED]])]
    return {
        "planned": planned,
        "more": ",".join(str(view.posthog_id) for view in views[LISTED:]),
        "more_count": max(0, len(views) - LISTED),
        "total": len(views),
        "guard": guard_count(connection, len(views)),
        "refusal": capability.reason if capability.state == "no" else "",
        "unchanged": sum(plan.row.unchanged_since_failure for plan in planned),
        "connection": connection,
        "several": len({view.connection_id for view in views}) > 1,
    }


def _remark(row: Row) -> str:
    if row.view.is_managed:
        return "PostHog manages it: nothing will be sent."
    if remark := _LEFT_OUT.get(pause_of(row.view)):
        return remark
    return "Unchanged since it failed: it will most likely fail again." if row.unchanged_since_failure else ""
