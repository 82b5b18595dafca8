"""When to apply a change, as an operator types it: a day, a time and the zone that both are meant in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms

from warehouse_admin.core.localtime import UnclearTime, moment, with_offset, zones


class ScheduleForm(forms.Form):
    """`at` is the moment. Around a clock change it asks which of two `readings` is meant."""

    date = forms.DateField(label="Day", widget=forms.DateInput(attrs={"type": "date"}))
    time = forms.TimeField(label="Time", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    zone = forms.ChoiceField(label="Time zone", widget=forms.Select(attrs={"data-browser-zone": ""}))
    reading = forms.CharField(required=False, max_length=40)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["zone"].choices = [(name, name.replace("_", " ")) for name in zones()]  # type: ignore[attr-defined]
        self.readings: list[tuple[str, str]] = []  # value and words of each

    def clean(self) -> dict[str, Any]:
        typed = self.cleaned_data
        if not all(typed.get(name) for name in ("date", "zone")) or typed.get("time") is None:
            return typed
        try:
            typed["at"] = moment(datetime.combine(typed["date"], typed["time"]), typed["zone"])
        except OverflowError:
            self.add_error("date", "Give a day of this century.")
        except UnclearTime as unclear:
            self._choose(typed, unclear)
        return typed

    def _choose(self, typed: dict[str, Any], unclear: UnclearTime) -> None:
        meant = {at.astimezone(UTC).isoformat(): at for at in unclear.readings}
        if typed["reading"] in meant:
            typed["at"] = meant[typed["reading"]]
            return
        self.readings = [(value, with_offset(at)) for value, at in meant.items()]
        self.add_error("time", str(unclear))
