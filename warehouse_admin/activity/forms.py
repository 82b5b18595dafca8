"""Turn what the reading pane posts into clean values; the service has the rules."""

from __future__ import annotations

from django import forms

from warehouse_admin.activity.models import ActivityEntry


class ReviewForm(forms.Form):
    """The verdict comes from the button that was pressed."""

    verdict = forms.ChoiceField(choices=ActivityEntry.Verdict.choices)
    note = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Needed to flag; kept in the audit trail.",
    )
