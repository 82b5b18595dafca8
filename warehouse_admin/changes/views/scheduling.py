"""The page on which an operator gives an approved change its time."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from warehouse_admin.changes import policies, readiness, selectors, services
from warehouse_admin.changes.apply import refuse_held_up
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.schedule_form import ScheduleForm
from warehouse_admin.changes.transitions import require_state
from warehouse_admin.changes.views.people import signed_in
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.localtime import with_offset


@require_http_methods(["GET", "POST"])
def schedule(request: HttpRequest, number: int) -> HttpResponse:
    """A day, a time and a zone; a time that a clock change makes unclear is asked about."""
    change = selectors.detail(number, signed_in(request))
    policies.require_apply(signed_in(request), change, action="change.scheduled")
    require_state(change, "schedule")
    refuse_held_up(change)
    if request.method == "GET":
        return _page(request, change, ScheduleForm(initial={"zone": "UTC"}))
    form = ScheduleForm(request.POST)
    if not form.is_valid():
        return _page(request, change, form, status=422)
    at = form.cleaned_data["at"]
    try:
        services.schedule(change, signed_in(request), at)
    except InvalidInput as error:
        form.add_error("date", error.message)
        return _page(request, change, form, status=422)
    messages.success(request, f"{change} is applied at {with_offset(at)}.")
    return redirect("changes:detail", number)


def _page(request: HttpRequest, change: ChangeRequest, form: ScheduleForm, *, status: int = 200) -> HttpResponse:
    context = {"change": change, "badge": readiness.badge(change), "form": form}
    return render(request, "changes/schedule.html", context, status=status)
