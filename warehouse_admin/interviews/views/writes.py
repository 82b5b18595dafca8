"""Editing and deleting an interview, and watching what becomes of an upload, an edit or a deletion."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from warehouse_admin.core.errors import UserError
from warehouse_admin.core.htmx import render_page, wants_fragment
from warehouse_admin.interviews import policies, selectors, services
from warehouse_admin.interviews.errors import ChangedSince
from warehouse_admin.interviews.forms import DeleteForm, EditForm
from warehouse_admin.interviews.models import Interview, Write
from warehouse_admin.interviews.views.shared import take_over

STOP_POLLING = 286


@require_GET
def write_detail(request: HttpRequest, write_id: uuid.UUID) -> HttpResponse:
    write = selectors.write_by_id(request.user, write_id)  # type: ignore[arg-type]
    response = render_page(request, "interviews/write.html", "interviews/_write.html", {"write": write})
    if wants_fragment(request) and not write.is_open:
        response.status_code = STOP_POLLING
        response["HX-Refresh"] = "true"  # the page around it tells of the end too
    return response


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    user: Any = request.user
    interview = selectors.interview_by_id(user, posthog_id)
    policies.require_write(user, "interview.update", policies.target_of(interview))
    form = EditForm(request.POST or None, initial=_shown(interview))
    error: UserError | None = None
    if form.is_bound and form.is_valid():
        try:
            write = _edit(user, interview, form)
        except UserError as refused:
            error = refused
        else:
            return _back(request, interview, write)
    return _page(request, "interviews/edit.html", interview, form, error)


def _page(
    request: HttpRequest, template: str, interview: Interview, form: forms.Form, error: UserError | None
) -> HttpResponse:
    """The form with what is wrong; of an interview that is gone only that it is."""
    user: Any = request.user
    status = 422 if form.is_bound else 200
    if error is not None:
        status = take_over(form, error)
        interview.refresh_from_db()  # asking may have read it anew
    if interview.deleted_at:
        status = 409
    moved = isinstance(error, ChangedSince)
    if moved:
        _decide_on(form, interview)
    refusal = services.refusal(interview.connection, user)
    context = {"interview": interview, "form": form, "refusal": refusal, "moved": moved}
    return render(request, template, context, status=status)


def _decide_on(form: forms.Form, interview: Interview) -> None:
    """What was typed stays, and is from now on about what the page shows beside it."""
    data = form.data.copy()  # type: ignore[attr-defined]
    data["seen"] = interview.fingerprint
    form.data = data


def _shown(interview: Interview) -> dict[str, str]:
    return {
        "summary": interview.summary,
        "interviewee_emails": interview.emails_text,
        "seen": interview.fingerprint,
    }


def _edit(user: Any, interview: Interview, form: EditForm) -> Write | None:
    given = form.cleaned_data
    return services.edit(
        user=user,
        interview=interview,
        summary=given["summary"],
        emails=given["interviewee_emails"],
        seen=given["seen"],
        reason=given["reason"],
    )


def _back(request: HttpRequest, interview: Interview, write: Write | None) -> HttpResponse:
    if write is None:
        messages.info(request, "Nothing differs from what PostHog has, so nothing was sent.")
    return redirect("interviews:detail", posthog_id=interview.posthog_id)


@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    user: Any = request.user
    interview = selectors.interview_by_id(user, posthog_id)
    policies.require_write(user, "interview.delete", policies.target_of(interview))
    form = DeleteForm(request.POST or None, initial={"seen": interview.fingerprint})
    error: UserError | None = None
    if form.is_bound and form.is_valid():
        try:
            services.delete(user=user, interview=interview, **form.cleaned_data)
        except UserError as refused:
            error = refused
        else:
            return redirect("interviews:detail", posthog_id=posthog_id)
    return _page(request, "interviews/delete.html", interview, form, error)
