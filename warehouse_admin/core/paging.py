"""Pages of lists, for those who know how many rows there are, and for those who search."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet, Window
from django.db.models.sql.where import WhereNode


class CountedPaginator(Paginator):
    """Does not count again what the caller has counted."""

    def __init__(self, rows: Any, per_page: int, count: int) -> None:
        super().__init__(rows, per_page)
        self.count = count  # shadows the property that would ask the database


def page_of(
    rows: QuerySet[Any], per_page: int, number: Any, *, searched: object = "", counted: int | None = None
) -> Page[Any]:
    """The page of this number, the nearest for one that makes no sense. Where people search, texts are read once.

    `counted` is how many there are, where the caller knows.
    """
    if counted is not None:
        return CountedPaginator(rows, per_page, counted).get_page(number)
    if not searched:
        return Paginator(rows, per_page).get_page(number)
    found, count = searched_slice(rows, (_as_number(number) - 1) * per_page, per_page)
    page = CountedPaginator(rows, per_page, count).get_page(number)
    page.object_list = found if found or not count else page.object_list  # beyond the last page it is the last
    return page


def searched_slice(rows: QuerySet[Any], first: int, size: int) -> tuple[list[Any], int]:
    """So many of the rows that people search for, from a place on, and how many there are; texts are read once."""
    keys = rows.annotate(in_all=Window(Count("pk"))).values_list("pk", "in_all")
    found = list(keys[first : first + size])
    if not found:  # nothing, or beyond the last one, which only counting finds
        return [], rows.count() if first else 0
    return list(by_keys(rows, [key for key, _ in found])), found[0][1]


def by_keys(rows: QuerySet[Any], keys: Any, key: str = "pk") -> QuerySet[Any]:
    """The rows of these keys, in the order of `rows` and with all it adds; what chose the keys is not asked again."""
    unfiltered = rows.all()
    unfiltered.query.where = WhereNode()
    return unfiltered.filter(**{f"{key}__in": keys})


def _as_number(text: Any) -> int:
    return max(int(text), 1) if str(text).isascii() and str(text).isdigit() and len(str(text)) < 10 else 1
