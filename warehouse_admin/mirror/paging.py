"""Pages of lists whose length is known from another query."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import QueryDict

SIZES = (25, 50, 100)
DEFAULT = 50


class CountedPaginator(Paginator):
    """Does not count again what the caller has counted."""

    def __init__(self, rows: QuerySet[Any], per_page: int, count: int) -> None:
        super().__init__(rows, per_page)
        self.count = count  # shadows the property that would ask the database


def page_of(rows: QuerySet[Any], params: QueryDict, count: int | None = None) -> Page[Any]:
    """The page that `?page=` and `?per_page=` name; the nearest one for numbers that make no sense."""
    wanted = params.get("per_page", "")
    size = int(wanted) if wanted.isascii() and wanted.isdigit() and int(wanted) in SIZES else DEFAULT
    paginator = Paginator(rows, size) if count is None else CountedPaginator(rows, size, count)
    return paginator.get_page(params.get("page"))
