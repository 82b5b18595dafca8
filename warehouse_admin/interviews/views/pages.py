"""The list of interviews and the page of one."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from warehouse_admin.core.htmx import render_page, wants_fragment
from warehouse_admin.interviews import policies, selectors, services
from warehouse_admin.mirror import paging

FILTERS = ("q", "deleted")


@require_GET
def interview_list(request: HttpRequest) -> HttpResponse:
    found = selectors.interview_list(request.user, request.GET)  # type: ignore[arg-type]
    context = {
        "page": paging.page_of(found, request.GET),
        "filtered": any(request.GET.get(name) for name in FILTERS),
        "readings": selectors.readings(request.GET),
        **({} if wants_fragment(request) else _frame(request)),
    }
    return render_page(request, "interviews/list.html", "interviews/_table.html", context)


def _frame(request: HttpRequest) -> dict[str, Any]:
    """What the page shows around the table."""
    return {
        "uploads": selectors.uploads_to_show(request.GET),
        "may_write": policies.may_write(request.user),
        "deleted_options": [("only", "Only these"), ("any", "Shown too")],
    }


@require_GET
def interview_detail(request: HttpRequest, posthog_id: uuid.UUID) -> HttpResponse:
    user: Any = request.user
    interview = selectors.interview_by_id(user, posthog_id)
    may_write = policies.may_write(user) and not interview.deleted_at
    context = {
        "interview": interview,
        "write": selectors.last_write(interview),
        "may_write": may_write,
        "refusal": services.refusal(interview.connection, user) if may_write else "",
    }
    return render(request, "interviews/detail.html", context)
