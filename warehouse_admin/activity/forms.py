"""Turn what the reading pane posts into clean values; the services have the rules."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django import forms
from django.utils import timezone

from warehouse_admin.activity.models import REVIEWS

SNOOZES = {
    "hour": "For an hour",
    "tomorrow": "Until tomorrow, 09:00",
    "monday": "Until Monday, 09:00",
    "week": "For a week",
}
MORNING = time(9)


class ReviewForm(forms.Form):
    """The verdict comes from the button that was pressed."""

    verdict = forms.ChoiceField(choices=REVIEWS)
    note = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Needed to flag; kept in the audit trail.",
    )


def snoozed_until(word: str, now: datetime | None = None) -> datetime | None:
    """The moment that a choice means, in the portal's time zone; None for a word nobody offered."""
    here = timezone.localtime(now or timezone.now(), timezone.get_default_timezone())
    if word == "hour":
        return here + timedelta(hours=1)
    if word == "week":
        return here + timedelta(days=7)
    days = {"tomorrow": 1, "monday": 7 - here.weekday()}.get(word)
    if days is None:
        return None
    return datetime.combine(here.date() + timedelta(days=days), MORNING, here.tzinfo)
