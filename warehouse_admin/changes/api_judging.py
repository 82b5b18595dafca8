"""REST: what a text would do in place of the one that a view has."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import impacts, policies, preview
from warehouse_admin.changes.serializers import Impact
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.rest.endpoints import SignedInRequest
from warehouse_admin.lineage.lint.report import look
from warehouse_admin.lineage.lint.serializers import ReportRow
from warehouse_admin.mirror.api import IN_CONNECTION, OfView


class Text(serializers.Serializer):
    query = serializers.CharField(trim_whitespace=False)


class Rows(serializers.Serializer):
    columns = serializers.ListField(child=serializers.CharField())
    types = serializers.ListField(child=serializers.CharField(), help_text="As ClickHouse names them.")
    rows = serializers.ListField(child=serializers.ListField(), help_text=f"The first {preview.MOST_ROWS}.")


class Sample(serializers.Serializer):
    rows = Rows()
    total = serializers.IntegerField(allow_null=True, help_text="Null where they could not be counted in time.")


class Note(serializers.Serializer):
    """What deserves to be known about a preview; nothing is wrong with the view."""

    rule = serializers.CharField(source="rule.id")
    message = serializers.CharField()


class Preview(serializers.Serializer):
    proposed = Sample()
    present = Sample(allow_null=True, help_text="Null where the text is the one that the view has.")
    left = serializers.IntegerField(help_text="Previews of this connection that are left within the hour.")
    notes = Note(many=True)
    lint = ReportRow(help_text="What lint finds in the text.")


@extend_schema(parameters=[IN_CONNECTION], request=Text)
class ImpactOfText(OfView):
    serializer_class = Impact

    def post(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """What a text would do to everything downstream; nothing is sent, and nothing is kept."""
        view = self.view()
        target = Target("saved_query", str(view.posthog_id), view.name)
        policies.require_propose(request.user, action="change.created", target=target)
        told: dict[str, Any] = impacts.of_text(view, self.clean(Text)["query"])
        if problem := told["impact_problem"]:
            raise InvalidInput(problem, errors={"query": [problem]})
        return self.answer(told["impact"])


@extend_schema(parameters=[IN_CONNECTION], request=Text)
class PreviewOfText(OfView):
    serializer_class = Preview

    def post(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """The first rows that a text gives, beside those of the present one; PostHog runs both, within a limit."""
        view, query = self.view(), self.clean(Text)["query"]
        told = preview.preview(user=request.user, connection=view.connection, query=query, view=view)
        found = look(view.connection, query, view=view, name=view.name, writers=[request.user.pk])
        shown = {name: getattr(told, name) for name in ("proposed", "present", "left", "notes")}
        return self.answer({**shown, "lint": found})
