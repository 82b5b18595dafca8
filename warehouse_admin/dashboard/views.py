"""The home page."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from warehouse_admin.accounts.models import User
from warehouse_admin.core.htmx import render_page
from warehouse_admin.dashboard import selectors


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Is anything on me, is anything broken, has anything changed behind our back, can the mirror be trusted?"""
    scope = request.GET.get("connection", "")
    user = cast(User, request.user)  # signed in, says the decorator
    context = {
        "my_reviews": selectors.my_reviews(user),
        "my_changes": selectors.my_changes(user),
        "broken": selectors.broken_views(scope),
        "behind": selectors.behind_views(scope),
        "unreviewed": selectors.unreviewed(scope),
        "unsettled": selectors.unsettled(),
        "campaigns": selectors.campaigns(user),
        "freshness": selectors.freshness(),
        "week": selectors.week_in_numbers(),
    }
    return render_page(request, "dashboard/home.html", "dashboard/_panels.html", context)
