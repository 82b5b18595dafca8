"""The page of pauses in force, and what can be done with one of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from warehouse_admin.accounts import policies
from warehouse_admin.core.errors import NotPermitted, UserError
from warehouse_admin.core.htmx import render_page
from warehouse_admin.core.paging import page_of
from warehouse_admin.schedules import pause_acts, services
from warehouse_admin.schedules.forms import DateForm, RestoreForm
from warehouse_admin.schedules.holds import hold_by_id, open_holds
from warehouse_admin.schedules.models import Hold
from warehouse_admin.schedules.start import PERMISSION
from warehouse_admin.schedules.views.people import person

PER_PAGE = 50


@require_GET
def pause_list(request: HttpRequest) -> HttpResponse:
    only = request.GET.get("needs_person") == "1"
    holds = open_holds(request.GET.get("connection", ""), needing_a_person=only)
    page = page_of(holds, PER_PAGE, request.GET.get("page"))
    context = {"page": page, "only": only, "refusal": _not_theirs(request)}
    return render_page(request, "schedules/pauses.html", "schedules/_pauses.html", context)


@require_http_methods(["GET", "POST"])
def wake(request: HttpRequest, hold_id: int) -> HttpResponse:
    """Resume the schedule before its date; answers with the campaign that does it."""
    hold = hold_by_id(hold_id)
    form = RestoreForm(_posted(request), generation=hold.saved_query.connection.generation)
    form.fields["cadence"].required = True
    if not pause_acts.lacks_cadence(hold):
        del form.fields["cadence"]
    refusal = _not_theirs(request) or pause_acts.no_wake(hold, person(request))
    if not form.is_valid():
        return _ask(request, "schedules/wake.html", hold, form, refusal)
    try:
        campaign = services.wake_now(hold=hold, user=person(request), **form.cleaned_data)
    except NotPermitted:
        raise
    except UserError as error:
        return _ask(request, "schedules/wake.html", hold, form, refusal, error)
    messages.success(request, f"{hold.saved_query.name} is being woken.")
    return redirect("schedules:resume-detail", resume_id=campaign.pk)


@require_http_methods(["GET", "POST"])
def change_date(request: HttpRequest, hold_id: int) -> HttpResponse:
    hold = hold_by_id(hold_id)
    form = DateForm(_posted(request), initial={"until": hold.until})
    refusal = _not_theirs(request) or pause_acts.why_not_alive(hold)
    if not form.is_valid():
        return _ask(request, "schedules/change_date.html", hold, form, refusal)
    try:
        services.change_date(hold=hold, user=person(request), **form.cleaned_data)
    except NotPermitted:
        raise
    except UserError as error:
        return _ask(request, "schedules/change_date.html", hold, form, refusal, error)
    messages.success(request, f"The wake-up date of {hold.saved_query.name} is kept.")
    return redirect("schedules:pauses")


def _posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _not_theirs(request: HttpRequest) -> str:
    """Why the page is only to be read; who posts all the same is refused by the service, on record."""
    if policies.allows(request.user, PERMISSION):
        return ""
    return f"{policies.who_may(PERMISSION)} wake schedules and change dates."


def _ask(
    request: HttpRequest, template: str, hold: Hold, form: forms.Form, refusal: str, error: UserError | None = None
) -> HttpResponse:
    """The form, with what is wrong with what was sent."""
    status = 422 if form.is_bound else 200
    links: list[Any] = []
    if error is not None:
        field = next((name for name in error.errors if name in form.fields), None)
        form.add_error(field, error.message)
        status = 422 if error.status == 400 else error.status
        links = error.links
    context = {"hold": hold, "view": hold.saved_query, "form": form, "refusal": refusal, "links": links}
    return render(request, template, context, status=status)
