"""Pages of lists: `limit` and `offset` in, `count`, `next`, `previous` and `results` out."""

from __future__ import annotations

from typing import Any

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.paging import searched_slice

LARGEST_OFFSET = 2**31 - 1


class Pagination(LimitOffsetPagination):
    """At most 1,000 rows a page, 100 when nothing is said; a larger `limit` is taken for 1,000."""

    default_limit = 100
    max_limit = 1_000
    template = None
    limit: int
    offset: int
    count: int

    def read(self, request: Request) -> None:
        """Take `limit` and `offset` from the URL; InvalidInput when they are no numbers."""
        self.request = request
        self.limit = min(_number(request, "limit", self.default_limit, least=1), self.max_limit)
        self.offset = _number(request, "offset", 0, least=0)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.read(request)
        if request.query_params.get("search"):
            found, self.count = searched_slice(queryset, self.offset, self.limit)
            return found
        self.count = self.get_count(queryset)
        return list(queryset[self.offset : self.offset + self.limit]) if self.offset < self.count else []

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": self.max_limit, "default": self.default_limit}
        offset = {"type": "integer", "minimum": 0, "maximum": LARGEST_OFFSET, "default": 0}
        return [
            {"name": "limit", "in": "query", "required": False, "description": "Rows on a page.", "schema": limit},
            {"name": "offset", "in": "query", "required": False, "description": "Rows to skip.", "schema": offset},
        ]


def _number(request: Request, name: str, default: int, *, least: int) -> int:
    value = request.query_params.get(name, "")
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and least <= int(value) <= LARGEST_OFFSET):
        told = f"Use a whole number from {least} to {LARGEST_OFFSET}."
        raise InvalidInput(f"{name}: {told}", errors={name: [told]})
    return int(value)
