"""The last day on which something that people granted holds."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils import timezone

LONGEST_YEARS = 5


def wrong_last_day(until: date | None, *, empty_means: str) -> dict[str, list[str]]:
    """The errors of a form's `until`; none for a day that can be used, and for none, which means `empty_means`."""
    today = timezone.now().date()
    if until is None or today <= until <= today + timedelta(days=366 * LONGEST_YEARS):
        return {}
    if until < today:
        return {"until": ["This day has passed. Choose today or a later one, or leave it empty."]}
    return {"until": [f"At most {LONGEST_YEARS} years ahead; or empty: {empty_means}."]}
