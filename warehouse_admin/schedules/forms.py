"""Turn what the confirm page posts into clean values."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules.filters import Filters
from warehouse_admin.schedules.selectors import matching_keys

REASON = {"rows": 3, "maxlength": 2000}


class ResumeForm(forms.Form):
    """Why, and how many when there are many; the service has the rules."""

    reason = forms.CharField(
        label="Why",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs=REASON),
        help_text="Kept in the audit trail.",
    )
    confirm_count = forms.IntegerField(label="How many", required=False, min_value=1)


class RunForm(forms.Form):
    """Why a run is started or cancelled."""

    reason = forms.CharField(
        label="Why",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs=REASON),
        help_text="Kept in the audit trail.",
    )


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
