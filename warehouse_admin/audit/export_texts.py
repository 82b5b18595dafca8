"""How an export is told of: in the trail, in its own header, and to the person who waits for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from warehouse_admin.audit.models import Export
from warehouse_admin.audit.targets import Target


def target(export: Export) -> Target:
    return Target("export", str(export.pk), f"{export.get_format_display()} export")


def told(export: Export) -> dict[str, Any]:
    """What was asked for, and by whom."""
    return {
        "export": str(export.pk),
        "asked_by": export.asked_by.get_username(),
        "asked_at": export.asked_at.isoformat(),
        "filters": export.filters,
        "masked": export.is_masked,
        "to_sequence": export.to_sequence,
        "total": export.total,
    }


def file_name(export: Export) -> str:
    ending = {"csv": "csv", "jsonl": "jsonl", "segment": "segment.jsonl"}[export.format]
    return f"audit-{export.asked_at:%Y-%m-%d}-{str(export.pk)[:8]}.{ending}"


def seconds_left(export: Export) -> int | None:
    """How long the rest takes at the speed so far; None where that cannot be said."""
    if export.state != Export.State.RUNNING or not export.total or not export.done or not export.started_at:
        return None
    taken = timezone.now() - export.started_at
    return round(taken / timedelta(seconds=1) / export.done * (export.total - export.done))


def usual_speed() -> int:
    """How many entries a second the last exports were written at; a careful guess before the first one."""
    speeds = [
        export.done / max((export.finished_at - export.started_at).total_seconds(), 1)
        for export in Export.objects.filter(state=Export.State.SUCCEEDED, done__gte=5_000).order_by("-asked_at")[:5]
        if export.started_at and export.finished_at
    ]
    return round(min(speeds)) if speeds else 5_000
