"""Turn what the confirm page posts into clean values."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules.filters import Filters
from warehouse_admin.schedules.selectors import matching_keys


def _reason() -> forms.CharField:
    return forms.CharField(
        label="Why",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the audit trail.",
        error_messages={"required": "Say why; the reason is kept in the audit trail."},
    )


class ResumeForm(forms.Form):
    """Why, and how many when there are many; the service has the rules."""

    reason = _reason()
    confirm_count = forms.IntegerField(label="How many", required=False, min_value=1)


class RunForm(forms.Form):
    """Why a run is started or cancelled."""

    reason = _reason()


def chosen_ids(data: QueryDict) -> list[str]:
    """Remote ids of what was ticked, or of everything that the frozen filter matched."""
    if data.get("all_matching") == "1":
        keys = matching_keys(Filters.parse(QueryDict(data.get("filter", ""))))
        found: list[str] = []
        for start in range(0, len(keys), 500):
            some = SavedQuery.objects.filter(pk__in=keys[start : start + 500])
            found += [str(key) for key in some.values_list("posthog_id", flat=True)]
        return found
    return [*data.getlist("saved_queries"), *(key for key in data.get("more", "").split(",") if key)]
