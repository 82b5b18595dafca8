"""Pages of the mirror's lists, whose length people choose."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import QueryDict

from warehouse_admin.core import paging

SIZES = (25, 50, 100)
DEFAULT = 50


def page_of(rows: QuerySet[Any], params: QueryDict, count: int | None = None) -> Page[Any]:
    """The page that `?page=` and `?per_page=` name; `count`: how many rows there are where nobody searches."""
    wanted = params.get("per_page", "")
    size = int(wanted) if wanted.isascii() and wanted.isdigit() and int(wanted) in SIZES else DEFAULT
    number, searched = params.get("page"), params.get("q")
    if count is None or searched:
        return paging.page_of(rows, size, number, searched=searched)
    # Only keys are sorted and skipped, not whole rows with all that is worked out for each.
    page = paging.CountedPaginator(rows.values("pk"), size, count).get_page(number)
    page.object_list = paging.by_keys(rows, page.object_list)
    return page
