"""The schedules page, the campaigns, and one view's run."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import Missing, NotPermitted, UserError
from warehouse_admin.core.htmx import render_page
from warehouse_admin.core.paging import CountedPaginator
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules import report, selectors, services
from warehouse_admin.schedules.forms import ResumeForm, RunForm, chosen_ids
from warehouse_admin.schedules.list_page import page_context
from warehouse_admin.schedules.models import BulkResume, BulkResumeItem
from warehouse_admin.schedules.preview import preview
from warehouse_admin.schedules.start import ACTION, PERMISSION

ITEMS_PER_PAGE = 100


def _person(request: HttpRequest) -> User:
    """Who is signed in: the middleware let nobody else through."""
    return cast(User, request.user)


@require_GET
def schedule_list(request: HttpRequest) -> HttpResponse:
    return render_page(request, "schedules/list.html", "schedules/_table.html", page_context(request))


@require_http_methods(["GET", "POST"])
def resume(request: HttpRequest) -> HttpResponse:
    """First the list is shown with what is known against it; with `confirmed` the campaign starts."""
    if request.method == "GET":
        return redirect("schedules:list")
    policies.require(_person(request), PERMISSION, action=ACTION, target=Target("resume", "", "new campaign"))
    ids = chosen_ids(request.POST)
    if request.POST.get("confirmed") != "1":
        return _confirm(request, ids, ResumeForm())
    form = ResumeForm(request.POST)
    if not form.is_valid():
        return _confirm(request, ids, form, status=422)
    try:
        campaign = services.start_resume(
            user=_person(request),
            saved_queries=ids,
            reason=form.cleaned_data["reason"],
            confirm_count=form.cleaned_data["confirm_count"],
        )
    except NotPermitted:
        raise
    except UserError as error:
        for field, problems in error.errors.items():
            form.add_error(field if field in form.fields else None, problems)
        if not error.errors:
            form.add_error(None, error.message)
        return _confirm(request, ids, form, status=422 if error.status == 400 else error.status)
    return redirect("schedules:resume-detail", resume_id=campaign.pk)


def _confirm(request: HttpRequest, ids: list[str], form: ResumeForm, status: int = 200) -> HttpResponse:
    return render(request, "schedules/confirm.html", {"form": form, **preview(ids)}, status=status)


@require_GET
def resume_list(request: HttpRequest) -> HttpResponse:
    page = Paginator(selectors.campaigns(request.GET.get("connection", "")), 25).get_page(request.GET.get("page"))
    page.object_list = list(page.object_list)
    selectors.add_counts(page.object_list)
    return render_page(request, "schedules/resumes.html", "schedules/_resumes.html", {"page": page})


def _campaign(resume_id: uuid.UUID) -> BulkResume:
    found = BulkResume.objects.select_related("connection", "started_by").filter(pk=resume_id).first()
    if found is None:
        raise Missing("There is no such campaign.")
    return found


@require_GET
def resume_detail(request: HttpRequest, resume_id: uuid.UUID) -> HttpResponse:
    """Refreshes itself while the campaign runs."""
    campaign = _campaign(resume_id)
    counts = selectors.counts_of(campaign)
    outcome = request.GET.get("outcome", "")
    items = selectors.items_of(campaign, outcome)
    total = counts.get(outcome, 0) if outcome in BulkResumeItem.Outcome.values else sum(counts.values())
    page = CountedPaginator(items, ITEMS_PER_PAGE, total).get_page(request.GET.get("page"))
    waiting = counts.get("queued", 0) + counts.get("sent", 0)
    context: dict[str, Any] = {
        "resume": campaign,
        "page": page,
        "outcome": outcome,
        "counts": [(name, counts[name]) for name in BulkResumeItem.Outcome.values if name in counts],
        "total": sum(counts.values()),
        "done": sum(counts.values()) - waiting,
        "can_stop": campaign.is_open and policies.allows(request.user, PERMISSION),
    }
    return render_page(request, "schedules/resume.html", "schedules/_resume.html", context)


@require_POST
def resume_stop(request: HttpRequest, resume_id: uuid.UUID) -> HttpResponse:
    services.request_stop(resume=_campaign(resume_id), user=_person(request))
    messages.success(request, "The campaign stops before its next views.")
    return redirect("schedules:resume-detail", resume_id=resume_id)


@require_GET
def resume_report(request: HttpRequest, resume_id: uuid.UUID) -> StreamingHttpResponse:
    items = selectors.items_of(_campaign(resume_id)).iterator(chunk_size=500)
    response = StreamingHttpResponse(report.lines(items), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="resume-{resume_id}.csv"'
    return response


@require_http_methods(["GET", "POST"])
def run(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    return _act(request, posthog_id, "run")


@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    return _act(request, posthog_id, "cancel")


ACTS = {
    "run": (services.run_now, "Run now", "Asked PostHog to run {name}; its end is in the audit trail."),
    "cancel": (services.cancel_run, "Cancel run", "Asked PostHog to cancel the run of {name}."),
}


def _act(request: HttpRequest, posthog_id: uuid.UUID, kind: str) -> HttpResponse:
    view = SavedQuery.objects.filter(posthog_id=posthog_id).select_related("connection").order_by("-pk").first()
    if view is None:
        raise Missing("There is no such view.")
    service, title, done = ACTS[kind]
    form = RunForm(request.POST or None)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            service(user=_person(request), saved_query=view, reason=form.cleaned_data["reason"])
        except NotPermitted:
            raise
        except UserError as error:
            form.add_error("reason" if "reason" in error.errors else None, error.message)
            status = 422 if error.status == 400 else error.status
        else:
            messages.success(request, done.format(name=view.name))
            return redirect("mirror:view-detail", posthog_id=posthog_id)
    elif form.is_bound:
        status = 422
    context = {"form": form, "view": view, "title": title, "refusal": services.refusal(view, kind)}
    return render(request, "schedules/act.html", context, status=status)
