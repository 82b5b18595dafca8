"""Turn what the confirm page posts into clean values."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from warehouse_admin.core.formatting import cadence
from warehouse_admin.posthog.cadences import NEVER, offered
from warehouse_admin.schedules.filters import Filters
from warehouse_admin.schedules.plan import MOST, Plan
from warehouse_admin.schedules.selectors import matching_ids

PLAN_FIELDS = ("canary_size", "wave_size", "per_minute", "stop_percent")


def _reason() -> forms.CharField:
    return forms.CharField(
        label="Why",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the audit trail.",
        error_messages={"required": "Say why; the reason is kept in the audit trail."},
    )


def _whole(label: str, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, **more)


class CampaignForm(forms.Form):
    """Why, how, and how many when there are many; the service has the rules."""

    reason = _reason()
    cadence = forms.ChoiceField(label="Cadence where the last one is not known", required=False)
    sync_frequency = forms.ChoiceField(label="New cadence", required=False)
    until = forms.DateTimeField(
        label="Wake up",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="UTC. The portal sets the cadence again then; empty: until somebody resumes it.",
    )
    canary_size = _whole(
        "First send", min_value=0, max_value=MOST, help_text="So many are sent and verified before the rest."
    )
    wave_size = _whole("Views in a call", min_value=1, help_text="Empty: as many as is good.")
    per_minute = _whole("Views a minute", min_value=1, max_value=MOST, help_text="Empty: as fast as the budget allows.")
    stop_percent = _whole("Stop above", min_value=1, max_value=100, help_text="Percent of views that fail again.")
    confirm_count = _whole("How many", min_value=1)

    def __init__(self, *args: Any, generation: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = [(name, cadence(name).capitalize()) for name in offered(generation) if name != NEVER]
        chosen = [self.fields["cadence"], self.fields["sync_frequency"]]
        for field, empty in zip(chosen, ("Leave them out", "Choose"), strict=True):
            field.choices = [("", empty), *words]  # type: ignore[attr-defined]

    @property
    def has_plan_errors(self) -> bool:
        return any(name in self.errors for name in PLAN_FIELDS)

    def plan(self) -> Plan:
        """What was chosen of the plan; what was left empty is as usual."""
        given = {name: self.cleaned_data.get(name) for name in PLAN_FIELDS}
        return Plan(**{name: value for name, value in given.items() if value is not None})


class RunForm(forms.Form):
    """Why one view's run or schedule is acted on."""

    reason = _reason()


class PauseForm(RunForm):
    """And until when it stands still."""

    until = CampaignForm.base_fields["until"]


class DateForm(forms.Form):
    """Another wake-up date for a pause, or none."""

    until = forms.DateTimeField(
        label="New wake-up date",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="UTC. Empty: when somebody resumes it.",
    )
    reason = forms.CharField(
        label="Why the date changes", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class RestoreForm(RunForm):
    """And which cadence it gets, where the last one is not known."""

    cadence = forms.ChoiceField(label="Cadence", required=False, help_text="The last one is not known.")

    def __init__(self, *args: Any, generation: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = [(name, cadence(name).capitalize()) for name in offered(generation) if name != NEVER]
        self.fields["cadence"].choices = [("", "Choose"), *words]  # type: ignore[attr-defined]


def chosen_ids(data: QueryDict) -> list[str]:
    """Remote ids of what was ticked, or of everything that the frozen filter matched."""
    if data.get("all_matching") == "1":
        return matching_ids(Filters.parse(QueryDict(data.get("filter", ""))))
    groups = (key for group in data.getlist("more") for key in group.split(",") if key)
    return [*data.getlist("saved_queries"), *groups]
