"""Pages of lists, for those who know how many rows there are, and for those who search."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet


class CountedPaginator(Paginator):
    """Does not count again what the caller has counted."""

    def __init__(self, rows: Any, per_page: int, count: int) -> None:
        super().__init__(rows, per_page)
        self.count = count  # shadows the property that would ask the database


def page_of(rows: QuerySet[Any], per_page: int, number: Any, *, searched: object = "") -> Page[Any]:
    """The page of this number, the nearest for one that makes no sense. Where people search, texts are read once."""
    if not searched:
        return Paginator(rows, per_page).get_page(number)
    keys = list(rows.values_list("pk", flat=True))  # every match, which counts them too
    page = CountedPaginator(keys, per_page, len(keys)).get_page(number)
    page.object_list = list(rows.filter(pk__in=page.object_list)) if keys else []
    return page
