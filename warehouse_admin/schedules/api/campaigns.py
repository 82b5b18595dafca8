"""REST: campaigns. Their addresses say `resumes`, whatever a campaign does: scripts depend on them."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.api import connection_filter
from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.core.rest import filters
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest
from warehouse_admin.core.rest.strict import Strict
from warehouse_admin.schedules import records, services
from warehouse_admin.schedules.api.rows import CampaignDetail, CampaignRow
from warehouse_admin.schedules.api.starts import STARTS, StartCadence, StartPause, StartResume, StartRun
from warehouse_admin.schedules.methods import methods_for
from warehouse_admin.schedules.models import Campaign
from warehouse_admin.schedules.plan import Plan

PLAN = ("canary_size", "wave_size", "per_minute", "stop_percent")


class Start(Idempotent, Endpoint):
    """Begin a campaign."""

    serializer_class = CampaignRow
    action: ClassVar[str]

    def read(self, request: SignedInRequest) -> dict[str, Any]:
        """The checked body; who may not act at all is told that first."""
        permission = methods_for(self.action)[0].permission
        policies.require(request.user, permission, action=f"schedules.{self.action}")
        return self.clean(STARTS[self.action])

    def begin(self, request: SignedInRequest, wanted: dict[str, Any]) -> Response:
        plan = Plan(**{name: wanted.pop(name) for name in PLAN if name in wanted})
        campaign = services.start_campaign(user=request.user, action=self.action, plan=plan, **wanted)
        records.add_counts([campaign])
        return self.answer(campaign, status=202)


class ResumeStart(Start):
    action = Campaign.Action.RESUME

    @extend_schema(request=StartResume, responses={202: CampaignRow})
    def post(self, request: SignedInRequest) -> Response:
        """Resume the schedules of these views in the background; one outcome for each is at `url`."""
        return self.begin(request, self.read(request))


class PauseStart(Start):
    action = Campaign.Action.PAUSE

    @extend_schema(request=StartPause, responses={202: CampaignRow})
    def post(self, request: SignedInRequest) -> Response:
        """Pause the schedules of these views, until a wake-up date if one is given."""
        return self.begin(request, self.read(request))


class RunStart(Start):
    action = Campaign.Action.RUN

    @extend_schema(request=StartRun, responses={202: CampaignRow})
    def post(self, request: SignedInRequest) -> Response:
        """Run each of these views once, within what PostHog allows."""
        return self.begin(request, self.read(request))


class CadenceStart(Start):
    action = Campaign.Action.CADENCE

    @extend_schema(request=StartCadence, responses={202: CampaignRow})
    def post(self, request: SignedInRequest) -> Response:
        """Open one change request for each of these views; which were opened and which refused is at `url`."""
        wanted = self.read(request)
        cadence = wanted.pop("sync_frequency")
        return self.begin(request, {**wanted, "cadence": cadence})


class ResumeList(ListEndpoint):
    serializer_class = CampaignRow
    filters: ClassVar = {
        "connection": connection_filter(),
        "state": filters.choice("state", Campaign.State.values),
        "action": filters.choice("action", Campaign.Action.values),
    }
    searched = ("reason",)
    orderings: ClassVar = {"created_at": "created_at", "finished_at": "finished_at"}
    default_ordering = "-created_at"

    def get_queryset(self) -> QuerySet[Campaign]:
        return records.campaigns()

    def prepare(self, rows: list[Any]) -> list[Any]:
        records.add_counts(rows)
        return rows


class OneResume(Endpoint):
    """An address of one campaign."""

    serializer_class = CampaignDetail

    def campaign(self) -> Campaign:
        found = records.campaign_by_id(self.kwargs["resume_id"])
        records.add_counts([found])
        return found


class ResumeOne(OneResume):
    def get(self, request: SignedInRequest, resume_id: UUID) -> Response:
        return self.answer(self.campaign())


class Steer(Idempotent, OneResume):
    """A call that changes the course of a campaign; `steer` is the service."""

    steer: Any = None

    @extend_schema(request=None)
    def post(self, request: SignedInRequest, resume_id: UUID) -> Response:
        self.clean(Strict)
        type(self).steer(campaign=self.campaign(), user=request.user)
        return self.answer(self.campaign())


class ResumeStop(Steer):
    """Send no further chunk."""

    steer = staticmethod(services.request_stop)


class ResumePause(Steer):
    """Rest before the next chunk; its state stays `running`, with `paused_at`."""

    steer = staticmethod(services.pause)


class ResumeContinue(Steer):
    """Go on after a pause, after a stop that left views unsent, or without the proof of the first views."""

    steer = staticmethod(services.go_on)


class ResumeConfirm(Steer):
    """The second person's yes; needs the browser session."""

    steer = staticmethod(services.confirm)
