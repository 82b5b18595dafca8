"""REST: the rules and what they find, levels, exemptions, and the layout of a text."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as drf
from rest_framework.response import Response

from warehouse_admin.accounts.api import connection_filter, named_connection
from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.errors import InvalidInput, Missing
from warehouse_admin.core.rest import filters
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest
from warehouse_admin.lineage import formatting
from warehouse_admin.lineage.lint import selectors, serializers, services
from warehouse_admin.lineage.lint.base import Rule
from warehouse_admin.lineage.lint.models import LintExemption, today
from warehouse_admin.lineage.lint.report import look, look_at
from warehouse_admin.lineage.lint.rules import RULES, rule_of
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.api import IN_CONNECTION, OfView

STATES = ("standing", "ended", "revoked")


def _state(value: str) -> str:
    if value not in STATES:
        raise filters.Unusable(f"Use one of {', '.join(STATES)}.")
    return value


def _in_state(value: str) -> Q:
    if value == "revoked":
        return Q(revoked_at__isnull=False)
    return Q(revoked_at=None) & (LintExemption.unended() if value == "standing" else Q(until__lt=today()))


class RuleList(Endpoint):
    serializer_class = serializers.RuleRow
    pagination_class = None

    @extend_schema(responses=serializers.RuleRow(many=True), operation_id="lint_rules_list")
    def get(self, request: SignedInRequest) -> Response:
        """Every rule with its page, and what it weighs in each connection."""
        connections = list(Connection.objects.only("slug", "name"))
        return Response(serializers.RuleRow([_rule(rule, connections) for rule in RULES.values()], many=True).data)


class RuleOne(Endpoint):
    serializer_class = serializers.RuleRow

    def get(self, request: SignedInRequest, rule: str) -> Response:
        return self.answer(_rule(rule_of(rule), list(Connection.objects.only("slug", "name"))))


class RuleLevel(Idempotent, Endpoint):
    serializer_class = serializers.RuleRow

    @extend_schema(request=serializers.LevelBody)
    def post(self, request: SignedInRequest, rule: str) -> Response:
        """Let a rule weigh something else in a connection; administrators alone."""
        found, wanted = rule_of(rule), self.clean(serializers.LevelBody)
        connection = _connection(wanted.pop("connection", ""))
        services.set_level(actor=request.user, connection=connection, rule=found.id, **wanted)
        return self.answer(_rule(found, list(Connection.objects.only("slug", "name"))))


@extend_schema(parameters=[IN_CONNECTION])
class LintOfView(OfView):
    serializer_class = serializers.ReportRow

    def get(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """What lint finds in the present text of a view."""
        return self.answer(look_at(self.view()))

    @extend_schema(request=serializers.TextOfView)
    def post(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """The same of a text in its place; nothing is sent, and nothing is kept."""
        view, query = self.view(), self.clean(serializers.TextOfView)["query"]
        return self.answer(look(view.connection, query, view=view, name=view.name, writers=[request.user.pk]))


class LintOfNewView(Endpoint):
    serializer_class = serializers.ReportRow

    @extend_schema(request=serializers.TextOfNewView)
    def post(self, request: SignedInRequest) -> Response:
        """The same of the text of a view that is not made yet."""
        wanted = self.clean(serializers.TextOfNewView)
        connection = _connection(wanted["connection"])
        return self.answer(look(connection, wanted["query"], name=wanted["name"].strip(), writers=[request.user.pk]))


class ExemptionList(Idempotent, ListEndpoint):
    serializer_class = serializers.ExemptionRow
    filters: ClassVar = {
        "connection": connection_filter(),
        "rule": filters.text("rule", "The id of a rule."),
        "saved_query": filters.identifier("saved_query__posthog_id"),
        "state": filters.Filter(_state, _in_state, schema={"type": "string", "enum": list(STATES)}),
    }
    orderings: ClassVar = {"granted_at": "granted_at", "rule": "rule"}
    default_ordering = "-granted_at"

    def get_queryset(self) -> QuerySet[LintExemption]:
        return LintExemption.objects.for_list()

    @extend_schema(request=serializers.ExemptionBody, responses={201: serializers.ExemptionRow})
    def post(self, request: SignedInRequest) -> Response:
        """Let a view not keep a rule; needs the browser session of a reviewer or administrator."""
        wanted = self.clean(serializers.ExemptionBody)
        about: dict[str, Any] = {"connection": named_connection(wanted.pop("connection"))}
        if "saved_query" in wanted:
            about = {"view": _view(wanted.pop("saved_query"))}
        granted = services.exempt(actor=request.user, **about, **wanted)
        return Response(serializers.ExemptionRow(selectors.exemption(granted.pk)).data, status=201)


class RevokeExemption(Idempotent, Endpoint):
    serializer_class = serializers.ExemptionRow

    @extend_schema(request=serializers.ReasonBody)
    def post(self, request: SignedInRequest, exemption_id: int) -> Response:
        """Let the rule count again."""
        found = selectors.exemption(exemption_id)
        services.revoke(actor=request.user, exemption=found, reason=self.clean(serializers.ReasonBody)["reason"])
        return self.answer(selectors.exemption(exemption_id))


class Format(Endpoint):
    serializer_class = serializers.Laid

    @extend_schema(request=serializers.TextOfView)
    def post(self, request: SignedInRequest) -> Response:
        """A text in a tidy layout; 400 with the reason where it would not certainly mean the same."""
        query = self.clean(serializers.TextOfView)["query"]
        found = formatting.formatted(query)
        if found.refusal:
            raise InvalidInput(found.refusal, errors={"query": [found.refusal]})
        return self.answer({"query": found.text, "changed": found.text != query})


def _rule(rule: Rule, connections: list[Connection]) -> dict[str, Any]:
    told = ("id", "title", "level", "why", "bad", "good", "limits", "of_previews")
    return {name: getattr(rule, name) for name in told} | {"levels": selectors.weighed(rule, connections)}


def _connection(slug: str) -> Connection:
    found = named_connection(slug)
    if found is None:
        raise drf.ValidationError({"connection": ["Name the connection: there are several."]})
    return found


def _view(text: str) -> Any:
    try:
        return mirror.view_by_id(UUID(text))
    except ValueError:
        told = f"“{text[:60]}” is no id of a view."
        raise Missing(told, errors={"saved_query": [told]}) from None
