"""REST: start and cancel single runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.core.rest.endpoints import SignedInRequest
from warehouse_admin.core.rest.fields import ExactText
from warehouse_admin.core.rest.strict import Strict
from warehouse_admin.mirror.api import IN_CONNECTION, OfView
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.schedules import services


class Why(Strict):
    reason = ExactText()


class Asked(serializers.ModelSerializer):
    """A write that was asked of PostHog; its end is in the audit trail."""

    saved_query = serializers.CharField(source="object_id")

    class Meta:
        model = Mutation
        fields = ["id", "kind", "state", "saved_query", "reason", "asked_at"]
        read_only_fields = fields


class SingleRun(Idempotent, OfView):
    """Calls about one view's run; `ask` is the service."""

    serializer_class = Asked
    ask: Any = None

    @extend_schema(request=Why, responses={202: Asked}, parameters=[IN_CONNECTION])
    def post(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        view = self.view()
        mutation = type(self).ask(user=request.user, saved_query=view, reason=self.clean(Why)["reason"])
        return self.answer(mutation, status=202)


class RunNow(SingleRun):
    """Ask PostHog to run the view now."""

    ask = staticmethod(services.run_now)


class CancelRun(SingleRun):
    """Ask PostHog to cancel the view's run."""

    ask = staticmethod(services.cancel_run)
