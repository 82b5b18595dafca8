"""What a program sends to begin a campaign."""

from __future__ import annotations

from rest_framework import serializers

from warehouse_admin.core.rest.fields import ExactText
from warehouse_admin.core.rest.strict import Strict
from warehouse_admin.schedules.plan import STOP_PERCENT

MOST_VIEWS = 10_000


class StartCampaign(Strict):
    # Ids are checked by the service, which names every one that is malformed, unknown or gone.
    saved_queries = serializers.ListField(child=serializers.CharField(max_length=100), max_length=MOST_VIEWS)
    reason = ExactText()
    confirm_count = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="The number of views, where so many need it."
    )

    def why_not(self, name: str) -> str:
        """Names the acts that do take it."""
        takers = [f"`schedules/{act}/`" for act, body in STARTS.items() if name in body().fields]
        if not takers:
            return super().why_not(name)
        here = next(act for act, body in STARTS.items() if isinstance(self, body))
        return f"`schedules/{here}/` does not take it; it belongs to {' and '.join(takers)}."


class Planned(StartCampaign):
    canary_size = serializers.IntegerField(
        required=False, default=0, help_text="So many are sent and verified before the rest."
    )
    per_minute = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="Views sent in a minute; null: as the budget allows."
    )
    stop_percent = serializers.IntegerField(
        required=False, default=STOP_PERCENT, help_text="It stops when more of the views settled so far failed again."
    )


class StartResume(Planned):
    method = serializers.CharField(
        required=False, default="", allow_blank=True, help_text="`resume_schedules` or `restore_cadence`."
    )
    cadence = serializers.CharField(
        required=False, default="", allow_blank=True, help_text="For views whose last cadence is not known."
    )
    wave_size = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="Views in one call, at most 50."
    )


class StartPause(Planned):
    until = serializers.DateTimeField(
        required=False,
        allow_null=True,
        default=None,
        help_text="When they wake up, UTC where no offset is given; null: when somebody resumes them.",
    )


class StartRun(Planned):
    pass


class StartCadence(StartCampaign):
    sync_frequency = serializers.CharField(max_length=20)


STARTS: dict[str, type[StartCampaign]] = {
    "resume": StartResume,
    "pause": StartPause,
    "run": StartRun,
    "cadence": StartCadence,
}
