"""The base classes of the endpoints."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.rest.filters import Filter, Lookup
from warehouse_admin.core.searching import every_word

Rows = list[Any]


class SignedInRequest(Request):
    """For type checks: the permission classes let only people through, so that `user` is one."""

    user: Any


class Endpoint(GenericAPIView):
    """One address. `serializer_class` describes its answer; bodies go through `clean`."""

    request: SignedInRequest
    filter_backends: Any = ()
    pagination_class: Any = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_control_characters(request)

    def clean(self, serializer: type[BaseSerializer]) -> dict[str, Any]:
        """The checked body; a ValidationError names every field at fault."""
        checked = serializer(data=self.request.data)
        checked.is_valid(raise_exception=True)
        return checked.validated_data

    def answer(self, found: Any, status: int = 200) -> Response:
        """`found` through the endpoint's serializer."""
        return Response(self.get_serializer(found).data, status=status)


class ListEndpoint(ListModelMixin, Endpoint):
    """A page of `get_queryset()`, filtered by what the class declares."""

    filter_backends: Any = (Lookup,)
    # None is DRF's word for "no paging"; the settings' class is wanted here.
    pagination_class = GenericAPIView.pagination_class
    filters: ClassVar[dict[str, Filter]] = {}
    searched: ClassVar[tuple[str, ...]] = ()
    search_help: ClassVar[str] = ""  # for lists that are searched in another way than by every word
    orderings: ClassVar[dict[str, str]] = {}  # word in the URL -> field
    default_ordering: ClassVar[str] = ""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        rows = self.get_serializer(self.prepare(list(page or ())), many=True).data
        return self.get_paginated_response(rows)

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """Those that a text finds; Unusable where it means nothing."""
        return rows.filter(every_word(text, *self.searched))

    def prepare(self, rows: Rows) -> Rows:
        """Hook: give the rows of one page what costs a query for all of them."""
        return rows


def refuse_control_characters(request: Request) -> None:
    """Raise InvalidInput for NUL bytes in the URL, which no database takes."""
    bad = [name for name, values in request.query_params.lists() if "\x00" in name or any("\x00" in v for v in values)]
    if bad:
        told = "A NUL character cannot be part of it; remove it."
        raise InvalidInput(told, errors={name.replace("\x00", "")[:60]: [told] for name in bad})
