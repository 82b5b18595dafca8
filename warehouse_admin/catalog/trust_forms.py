"""What people say about the trust in a view or table; one form for each of the three things that can be said."""

from __future__ import annotations

from typing import Any

from django import forms

from warehouse_admin.audit import reasons
from warehouse_admin.catalog import trusting
from warehouse_admin.catalog.trusting import Subject


class TrustForm(forms.Form):
    """`do` is what is sent for it, `label` what opens it and what is on its button, `done` what is said afterwards."""

    do = ""
    label = ""
    hint = ""
    done = ""

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial, prefix=self.do)

    def save(self, user: Any, subject: Subject) -> None:
        raise NotImplementedError


class CertifyForm(TrustForm):
    do, label = "certify", "Certify"
    hint = "It holds for what is there now, and falls by itself when that changes; a new layout is no change."
    done = "{name} is certified."
    note = forms.CharField(label="Note", required=False, max_length=reasons.LONGEST, help_text="What you checked.")
    until = forms.DateField(
        label="Holds until",
        required=False,
        help_text="Empty: until it changes.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def save(self, user: Any, subject: Subject) -> None:
        given = self.cleaned_data
        trusting.certify(user=user, subject=subject, note=given["note"], until=given["until"], seen=given["seen"])


class DeprecateForm(TrustForm):
    do, label = "deprecate", "Deprecate"
    hint = "Whoever writes a query that reads it is told so. Nothing is changed in PostHog."
    done = "{name} is deprecated."
    note = forms.CharField(label="Why", max_length=reasons.LONGEST)
    instead = forms.CharField(label="Read instead", required=False, max_length=200, help_text="A view or table.")

    def save(self, user: Any, subject: Subject) -> None:
        given = self.cleaned_data
        trusting.deprecate(user=user, subject=subject, note=given["note"], instead=given["instead"])


class TakeBackForm(TrustForm):
    do, label = "take_back", "Take back"
    hint = "Nothing is said about it then."
    done = "Nothing is said of the trust in {name} any more."
    note = forms.CharField(label="Why", required=False, max_length=reasons.LONGEST)

    def save(self, user: Any, subject: Subject) -> None:
        trusting.take_back(user=user, subject=subject, reason=self.cleaned_data["note"])


FORMS: dict[str, type[TrustForm]] = {form.do: form for form in (CertifyForm, DeprecateForm, TakeBackForm)}
