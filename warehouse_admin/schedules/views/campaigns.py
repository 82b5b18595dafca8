"""Campaigns: planned, started, watched, steered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from warehouse_admin.accounts import policies
from warehouse_admin.audit.policies import sees_all
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import NotPermitted, UserError
from warehouse_admin.core.htmx import render_page, wants_fragment
from warehouse_admin.core.paging import CountedPaginator
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules import records, report, services
from warehouse_admin.schedules.canary import Canary, canary_of
from warehouse_admin.schedules.forms import CampaignForm, chosen_ids
from warehouse_admin.schedules.methods import method_of, methods_for
from warehouse_admin.schedules.models import Campaign, CampaignItem
from warehouse_admin.schedules.plan_page import sections_of
from warehouse_admin.schedules.preview import preview
from warehouse_admin.schedules.start import exceeded
from warehouse_admin.schedules.views.people import person
from warehouse_admin.schedules.watch import is_watched, why_not_asked

ITEMS_PER_PAGE = 100
START = {"stop_percent": 20, "canary_size": 0}


@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, action: str) -> HttpResponse:
    """First the list is shown with what is known against it; with `confirmed` the campaign starts."""
    if request.method == "GET":
        return redirect("schedules:list")
    permission = methods_for(action)[0].permission
    target = Target("resume" if action == "resume" else "campaign", "", "new campaign")
    policies.require(person(request), permission, action=f"schedules.{action}", target=target)
    ids = chosen_ids(request.POST)
    if request.POST.get("confirmed") != "1":
        return _confirm(request, action, ids, None)
    form = CampaignForm(request.POST, generation=_generation(ids))
    if not form.is_valid():
        return _confirm(request, action, ids, form, status=422)
    try:
        campaign = _start(request, action, ids, form)
    except NotPermitted:
        raise
    except UserError as error:
        for field, problems in error.errors.items():
            form.add_error(field if field in form.fields else None, problems)
        if not error.errors:
            form.add_error(None, error.message)
        status = 422 if error.status == 400 else error.status
        return _confirm(request, action, ids, form, status=status, links=error.links)
    return redirect("schedules:resume-detail", resume_id=campaign.pk)


def _start(request: HttpRequest, action: str, ids: list[str], form: CampaignForm) -> Campaign:
    given = form.cleaned_data
    return services.start_campaign(
        user=person(request),
        action=action,
        method=request.POST.get("method", ""),
        saved_queries=ids,
        reason=given["reason"],
        confirm_count=given["confirm_count"],
        cadence=given["sync_frequency"] if action == Campaign.Action.CADENCE else given["cadence"],
        until=given["until"],
        plan=form.plan(),
    )


def _generation(ids: list[str]) -> str:
    """Of the server that the first of them lives on; its cadences are offered."""
    try:
        first = uuid.UUID(ids[0])
    except (ValueError, IndexError):
        return ""
    row = SavedQuery.objects.filter(posthog_id=first).select_related("connection").order_by("-pk").first()
    return row.connection.generation if row else ""


def _confirm(
    request: HttpRequest,
    action: str,
    ids: list[str],
    form: CampaignForm | None,
    *,
    status: int = 200,
    links: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """Shown again, the page keeps all that it listed, ticked or not; another way is ticked anew."""
    listed = [key for key in request.POST.get("scope", "").split(",") if key]
    again = request.POST.get("confirmed") == "1"
    scope = list(dict.fromkeys([*listed, *ids]))
    plan = preview(
        scope,
        action=action,
        method=request.POST.get("method", ""),
        user=person(request),
        ticked=set(ids) if again else None,
        cadence=request.POST.get("cadence", ""),
    )
    if form is None:
        connection = plan.get("connection")
        form = CampaignForm(generation=connection.generation if connection else "", initial=START)
    if plan.get("limit"):
        form.fields["confirm_count"].required = True  # for its label; script heeds how many are ticked
        form.fields["confirm_count"].widget.attrs["data-bulk-guard"] = plan["limit"].most
    context = {"form": form, "sections": sections_of(plan["planned"]), "links": links, **plan}
    return render(request, "schedules/confirm.html", context, status=status)


@require_GET
def resume_list(request: HttpRequest) -> HttpResponse:
    page = Paginator(records.campaigns(request.GET.get("connection", "")), 25).get_page(request.GET.get("page"))
    page.object_list = list(page.object_list)
    records.add_counts(page.object_list)
    return render_page(request, "schedules/resumes.html", "schedules/_resumes.html", {"page": page})


@require_GET
def resume_detail(request: HttpRequest, resume_id: uuid.UUID) -> HttpResponse:
    """Refreshes itself while the campaign runs."""
    campaign = records.campaign_by_id(resume_id)
    records.add_counts([campaign])
    counts: dict[str, int] = campaign.counts  # type: ignore[attr-defined]
    outcome = request.GET.get("outcome", "")
    items = records.items_of(campaign, outcome)
    total = counts.get(outcome, 0) if outcome in CampaignItem.Outcome.values else sum(counts.values())
    page = CountedPaginator(items, ITEMS_PER_PAGE, total).get_page(request.GET.get("page"))
    page.object_list = records.page_of_items(campaign, list(page))
    waiting = counts.get("queued", 0) + counts.get("sent", 0)
    first = canary_of(campaign)
    context: dict[str, Any] = {
        "resume": campaign,
        "method": method_of(campaign),
        "is_fragment": wants_fragment(request),
        "page": page,
        "outcome": outcome,
        "counts": [(name, counts[name]) for name in CampaignItem.Outcome.values if name in counts],
        "total": sum(counts.values()),
        "done": sum(counts.values()) - waiting,
        "accepted": counts.get(CampaignItem.Outcome.ACCEPTED, 0),
        "follow_ups": records.follow_ups_of(campaign),
        "sees_trail": sees_all(request.user),
        "not_asked": "" if campaign.followed_at else why_not_asked(campaign),
        "canary": first,
        "limit": exceeded(campaign.connection, sum(counts.values())) if campaign.is_waiting_for_second else None,
        **_steering(request, campaign, waiting, first),
    }
    return render_page(request, "schedules/resume.html", "schedules/_resume.html", context)


def _polls(campaign: Campaign) -> str:
    """How often the page asks for itself; empty where nothing new is to be expected soon."""
    if campaign.is_open:
        return "2s"
    return "15s" if is_watched(campaign, timezone.now()) else ""


def _steering(request: HttpRequest, campaign: Campaign, waiting: int, first: Canary | None) -> dict[str, Any]:
    """Which buttons there are for this person."""
    may = policies.allows(request.user, method_of(campaign).permission)
    stopped = campaign.state == Campaign.State.STOPPED and waiting > 0
    is_second = campaign.is_waiting_for_second
    is_awaited = first is not None and first.awaited
    return {
        "can_stop": may and campaign.is_open,
        "can_pause": may and campaign.is_open and not (campaign.paused_at or campaign.stop_requested or is_second),
        "can_continue": may and (stopped or is_awaited or bool(campaign.is_open and campaign.paused_at)),
        "can_confirm": may and is_second and campaign.started_by_id != person(request).pk,
        "polls": _polls(campaign),
    }


DONE = {
    "stop": (services.request_stop, "The campaign stops before its next views."),
    "pause": (services.pause, "The campaign rests before its next views."),
    "continue": (services.go_on, "The campaign goes on."),
    "confirm": (services.confirm, "Confirmed; the campaign starts."),
}


@require_POST
def steer(request: HttpRequest, resume_id: uuid.UUID, verb: str) -> HttpResponse:
    service, said = DONE[verb]
    service(campaign=records.campaign_by_id(resume_id), user=person(request))
    messages.success(request, said)
    return redirect("schedules:resume-detail", resume_id=resume_id)


@require_GET
def resume_report(request: HttpRequest, resume_id: uuid.UUID) -> StreamingHttpResponse:
    campaign = records.campaign_by_id(resume_id)
    items = records.items_of(campaign).iterator(chunk_size=500)
    response = StreamingHttpResponse(report.lines(items), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{campaign.action}-{resume_id}.csv"'
    return response
