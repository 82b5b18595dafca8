"""One view's run and schedule, acted on from its own page."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import RESUME, RUN
from warehouse_admin.core.errors import Missing, NotPermitted, UserError
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.selectors import posthog_url as view_url
from warehouse_admin.schedules import offers, services
from warehouse_admin.schedules.forms import PauseForm, RestoreForm, RunForm
from warehouse_admin.schedules.models import Campaign
from warehouse_admin.schedules.plan_page import planned_alone
from warehouse_admin.schedules.views.people import person


@dataclass(frozen=True)
class Act:
    """One thing to do with a view; `begin` gives the campaign to look at, or nothing."""

    title: str
    done: str
    permission: str
    form: type[forms.Form]
    begin: Callable[[User, SavedQuery, dict[str, Any]], Campaign | None]
    refusal: Callable[[SavedQuery, User], str]


def _run(user: User, view: SavedQuery, given: dict[str, Any]) -> None:
    services.run_now(user=user, saved_query=view, reason=given["reason"])


def _cancel(user: User, view: SavedQuery, given: dict[str, Any]) -> None:
    services.cancel_run(user=user, saved_query=view, reason=given["reason"])


def _pause(user: User, view: SavedQuery, given: dict[str, Any]) -> Campaign:
    return services.start_campaign(user=user, action="pause", saved_queries=[view], **given)


def _resume(user: User, view: SavedQuery, given: dict[str, Any]) -> Campaign:
    method = offers.resume_way(view, user).name
    return services.start_resume(user=user, saved_queries=[view], method=method, **given)


ACTS = {
    "run": Act(
        "Run now",
        "Asked PostHog to run {name}; its end is in the audit trail.",
        RUN,
        RunForm,
        _run,
        lambda view, user: services.refusal(view, "run"),
    ),
    "cancel": Act(
        "Cancel run",
        "Asked PostHog to cancel the run of {name}.",
        RUN,
        RunForm,
        _cancel,
        lambda view, user: services.refusal(view, "cancel"),
    ),
    "pause": Act("Pause schedule", "{name} is being paused.", RESUME, PauseForm, _pause, offers.no_pause),
    "resume": Act("Resume schedule", "{name} is being resumed.", RESUME, RestoreForm, _resume, offers.no_resume),
}


@require_http_methods(["GET", "POST"])
def run(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    return _act(request, posthog_id, "run")


@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    return _act(request, posthog_id, "cancel")


@require_http_methods(["GET", "POST"])
def pause(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    return _act(request, posthog_id, "pause")


@require_http_methods(["GET", "POST"])
def resume(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    return _act(request, posthog_id, "resume")


def _act(request: HttpRequest, posthog_id: uuid.UUID, kind: str) -> HttpResponse:
    view = SavedQuery.objects.filter(posthog_id=posthog_id).select_related("connection").order_by("-pk").first()
    if view is None:
        raise Missing("There is no such view.")
    act, user = ACTS[kind], person(request)
    form = _form(act, request, view)
    status, links = 200, []
    if form.is_bound and form.is_valid():
        try:
            campaign = act.begin(user, view, form.cleaned_data)
        except NotPermitted:
            raise
        except UserError as error:
            field = next((name for name in error.errors if name in form.fields), None)
            form.add_error(field, error.message)
            status, links = 422 if error.status == 400 else error.status, error.links
        else:
            messages.success(request, act.done.format(name=view.name))
            if campaign is not None:
                return redirect("schedules:resume-detail", resume_id=campaign.pk)
            return redirect("mirror:view-detail", posthog_id=posthog_id)
    elif form.is_bound:
        status = 422
    context = {
        "form": form,
        "links": links,
        "view": view,
        "title": act.title,
        "refusal": _not_theirs(act, user) or act.refusal(view, user),
        "posthog_url": view_url(view),
        "way": offers.way_in_words(view, user, kind),
        "planned": planned_alone(view, kind, user),
    }
    return render(request, "schedules/act.html", context, status=status)


def _not_theirs(act: Act, user: User) -> str:
    """Why the page is only to be read; who posts all the same is refused by the service, on record."""
    if policies.allows(user, act.permission):
        return ""
    return f"{policies.who_may(act.permission)} do this; ask one of them."


def _form(act: Act, request: HttpRequest, view: SavedQuery) -> forms.Form:
    data = request.POST or None
    if act.form is not RestoreForm:
        return act.form(data)
    form = RestoreForm(data, generation=view.connection.generation)
    form.fields["cadence"].required = True  # without one nothing would be sent
    if not offers.lacks_cadence(view, person(request)):
        del form.fields["cadence"]
    return form
