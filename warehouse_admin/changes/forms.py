"""Turns what was typed into values; saves nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator

from warehouse_admin.accounts.selectors import active_connections
from warehouse_admin.changes import texts
from warehouse_admin.changes.actions import Action
from warehouse_admin.changes.actions.describing import LONGEST as LONGEST_DESCRIPTION
from warehouse_admin.changes.actions.settings import in_words
from warehouse_admin.changes.checks import LONGEST_REASON


class ExactText(forms.CharField):
    """Text as it was typed; what is wrong with it, NUL bytes included, the service says with its place."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, required=False, **options)
        self.validators = [check for check in self.validators if not isinstance(check, ProhibitNullCharactersValidator)]


class ReasonForm(forms.Form):
    """What every proposal has: why, and what the page was opened on."""

    links: Sequence[tuple[str, str]] = ()
    """Where what is in the way is found: words and address."""

    reason = ExactText(
        label="Why",
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": LONGEST_REASON}),
        help_text="Reviewers decide by it, and the audit trail keeps it.",
    )
    base = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    nonce = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)
    draft = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)  # its version, once it is saved

    def keep_draft(self, key: object) -> None:
        """Let the browser keep the reason, as the editor keeps the query, until it is saved."""
        self.fields["reason"].widget.attrs["data-draft-key"] = f"{key}-reason"

    def clean(self) -> dict[str, Any]:
        """Say what is wrong with a hidden value above the form: nobody sees it, nor can correct it, in its place."""
        for field in self.hidden_fields():
            if self.errors.pop(field.name, None):
                self.add_error(None, "This form was damaged on its way. Reload the page, then send your text again.")
        return self.cleaned_data

    def as_another(self) -> None:
        """Sent once more, it makes a change of its own."""
        self.data = {name: self.data.get(name) for name in self.data} | {"nonce": uuid.uuid4().hex}

    def add_user_errors(self, errors: dict[str, list[str]], otherwise: str) -> None:
        """Put a service's refusal where it belongs; above the form where no field is to blame."""
        placed = False
        for name, messages in errors.items():
            if name in self.fields:
                self.add_error(name, messages)
                placed = True
        if not placed:
            self.add_error(None, otherwise)


class ProposalForm(ReasonForm):
    """A proposal of SQL. `base_text` tells the newlines that browsers lose."""

    query = ExactText(label="Query", widget=forms.Textarea)

    def __init__(self, *args: Any, base_text: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.base_text = base_text

    def clean_query(self) -> str:
        return texts.with_newlines_of(self.base_text, self.cleaned_data["query"])


def name_field(label: str) -> ExactText:
    """The name of a view, as the action checks it."""
    attributes = {"class": "mono", "autocomplete": "off", "spellcheck": "false", "maxlength": 200}
    told = "Letters, digits, “_”, “.” and “$”. Other views select from it by this name."
    return ExactText(label=label, widget=forms.TextInput(attrs=attributes), help_text=told)


class NamedProposalForm(ProposalForm):
    """A proposal of a view that does not exist yet, to be revised."""

    name = name_field("Name")


class NewViewForm(NamedProposalForm):
    """The same, before anybody knows in which project."""

    connection = forms.ModelChoiceField(active_connections(), to_field_name="slug", label="Project", empty_label=None)


class SettingsForm(ReasonForm):
    """A proposal of an action without SQL; it has the fields that the action has."""

    name = name_field("New name")
    sync_frequency = forms.ChoiceField(label="Cadence", required=False)
    description = ExactText(
        label="Description",
        widget=forms.Textarea(attrs={"rows": 5, "maxlength": LONGEST_DESCRIPTION}),
        help_text="What the view holds, and for whom. Everybody who finds it reads this first; empty takes it away.",
    )
    folder_id = forms.ChoiceField(label="Folder", required=False)

    def __init__(
        self,
        *args: Any,
        action: Action,
        generation: str,
        held: str | None = None,
        folders: Sequence[tuple[str, str]] = (),
        **kwargs: Any,
    ) -> None:
        """`held` is the present cadence: said, and never chosen beforehand where it would propose nothing."""
        super().__init__(*args, **kwargs)
        for name in ("name", "sync_frequency", "description", "folder_id"):
            if name not in action.fields:
                del self.fields[name]
        if "sync_frequency" in self.fields:
            offered = action.cadences(generation)
            choices = [(one, in_words(one)) for one in offered]
            if not action.default_cadence:
                choices = [("", "Choose…"), *choices]
                self.fields["sync_frequency"].help_text = f"Now: {in_words(held)}."
            self.fields["sync_frequency"].choices = choices  # type: ignore[attr-defined]
        if "folder_id" in self.fields:
            self.fields["folder_id"].choices = [("", "No folder"), *folders]  # type: ignore[attr-defined]
            self.fields["folder_id"].help_text = "Folders are made in PostHog, and known here after the next sync."
        self.order_fields(["name", "sync_frequency", "description", "folder_id", "reason"])


class DraftForm(forms.Form):
    """What is being typed, whatever it is, and the version of the draft that it was typed over."""

    query = ExactText()
    reason = ExactText()
    name = ExactText()
    base = ExactText()
    revision = forms.IntegerField(required=False, min_value=1)
    draft = forms.IntegerField(required=False, min_value=0)


class VoteForm(forms.Form):
    """A decision on the revision that was shown."""

    comment = ExactText()
    revision = forms.IntegerField(required=False, min_value=1)
    digest = forms.CharField(required=False, max_length=64)
