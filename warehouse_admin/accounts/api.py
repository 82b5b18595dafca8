"""REST: what a connection is offered and uses of PostHog; and what the endpoints of other apps share about them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.accounts import coverage, policies
from warehouse_admin.accounts.models import Connection, EndpointUse
from warehouse_admin.accounts.roles import MANAGE_CONNECTIONS
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import InvalidInput, Missing
from warehouse_admin.core.rest.endpoints import Endpoint, SignedInRequest
from warehouse_admin.core.rest.filters import Filter, Unusable


def connection_filter(lookup: str = "connection__slug") -> Filter:
    """`connection=<slug>`: a slug that nobody has is refused, since it would only ever find nothing."""
    return Filter(_known_slug, lambda slug: Q(**{lookup: slug}), "The slug of a connection.")


def _known_slug(value: str) -> str:
    known = list(Connection.objects.values_list("slug", flat=True))
    if value not in known:
        raise Unusable(f"There is no such connection. Choose one of {', '.join(known) or 'none: add one first'}.")
    return value


def named_connection(slug: str) -> Connection | None:
    """The one that is named, or the only one there is; None where several are and none is named."""
    if slug:
        found = Connection.objects.filter(slug=slug).first()
        if found is None:
            told = f"There is no connection {slug}."
            raise InvalidInput(told, errors={"connection": [told]})
        return found
    several = list(Connection.objects.all()[:2])
    return several[0] if len(several) == 1 else None


class Offer(serializers.Serializer):
    """Whether the connection's key may."""

    state = serializers.ChoiceField(choices=["yes", "no", "unknown"])
    reason = serializers.CharField(allow_blank=True)
    cause = serializers.CharField(allow_blank=True, help_text="`unsupported`, `scope`, `project`, `access` or `plan`.")


class LastUse(serializers.Serializer):
    at = serializers.DateTimeField()
    result = serializers.ChoiceField(choices=EndpointUse.Result.choices)
    told = serializers.CharField(allow_blank=True, help_text="Why it was no success.")
    own_key_of = serializers.CharField(allow_blank=True, help_text="Whose own key it was; empty: the connection's.")


class CoveredEndpoint(serializers.Serializer):
    method = serializers.CharField(source="endpoint.method")
    path = serializers.CharField(source="endpoint.path", help_text="Below the project unless it begins with a slash.")
    group = serializers.CharField(source="endpoint.group")
    documented_on = serializers.ListField(
        source="endpoint.pages", child=serializers.CharField(), help_text="Pages of PostHog's reference."
    )
    is_used = serializers.BooleanField(source="endpoint.is_used")
    use = serializers.CharField(source="endpoint.use", help_text="What for, or why not.")
    offered = Offer()
    last_use = LastUse(source="use", allow_null=True)


class CoverageDetail(serializers.Serializer):
    """Every endpoint of PostHog that is documented or asked; administrators only."""

    connection = serializers.SlugField()
    generation = serializers.CharField(allow_blank=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    endpoints = CoveredEndpoint(many=True)


class Coverage(Endpoint):
    """Which of PostHog's endpoints this connection's key may ask, what for, and how that last went."""

    serializer_class = CoverageDetail

    def get(self, request: SignedInRequest, slug: str) -> Response:
        policies.require(
            request.user, MANAGE_CONNECTIONS, action="connection.coverage", target=Target("connection", slug, slug)
        )
        connection = Connection.objects.filter(slug=slug).first()
        if connection is None:
            raise Missing("There is no such connection.")
        found: dict[str, Any] = {
            "connection": connection.slug,
            "generation": connection.generation,
            "checked_at": connection.checked_at,
            "endpoints": coverage.of(connection),
        }
        return self.answer(found)
