"""The page of runs: how they went by day, the slowest and the most failing views."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from warehouse_admin.core.bars import stacked_bars
from warehouse_admin.core.htmx import render_page
from warehouse_admin.schedules.statistics import PERIODS, period_of, statistics


@require_GET
def runs(request: HttpRequest) -> HttpResponse:
    found = statistics(period_of(request.GET.get("days", "")), request.GET.get("connection", ""))
    buckets = {
        int(day.at.timestamp()): {
            name: count for name, count in (("Completed", day.completed), ("Failed", day.failed)) if count
        }
        for day in found.by_day
    }
    context = {
        "found": found,
        "chart": stacked_bars(buckets, ["Failed", "Completed"], noun="runs", stamp="%d %b"),
        "periods": [(days, f"{days} days") for days in PERIODS],
    }
    return render_page(request, "schedules/runs.html", "schedules/_runs.html", context)
