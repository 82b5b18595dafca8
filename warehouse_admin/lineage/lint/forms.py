"""Turns what was typed into values; saves nothing."""

from __future__ import annotations

from django import forms

from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.reasons import LONGEST
from warehouse_admin.core.errors import UserError
from warehouse_admin.lineage.lint.base import Level


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": LONGEST}),
    )

    def add_refusal(self, error: UserError) -> None:
        """What a service refused, where it belongs; above the form where no field is to blame."""
        placed = False
        for name, told in error.errors.items():
            if name in self.fields:
                self.add_error(name, told)
                placed = True
        if not placed:
            self.add_error(None, error.message)


class LevelForm(ReasonForm):
    connection = forms.ModelChoiceField(
        Connection.objects.only("slug", "name"), to_field_name="slug", label="Project", empty_label=None
    )
    level = forms.ChoiceField(choices=Level.choices, label="It weighs as")
    field_order = ("connection", "level", "reason")


class ExemptForm(ReasonForm):
    until = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The last day on which it counts, by UTC. Empty: until somebody takes it back.",
    )
    field_order = ("reason", "until")
