"""The form of a proposal about a warehouse table: the fields that its action has, and keys that no page shows again."""

from __future__ import annotations

from typing import Any

from django import forms

from warehouse_admin.accounts.selectors import active_connections
from warehouse_admin.changes.actions import Action, Facts
from warehouse_admin.changes.actions.keys import KEYS, PARTS
from warehouse_admin.changes.forms import ExactText, ReasonForm
from warehouse_admin.mirror.models import WarehouseTable
from warehouse_admin.mutations.services import Entered
from warehouse_admin.posthog.buckets import FORMATS, LONGEST_KEY, LONGEST_PATTERN, TYPES

SECRETS = tuple(PARTS)
_KEEP = "Leave both empty to keep the keys that PostHog has."
_NOT_AGAIN = "Entered once: no page, log or person shows it again."
COLUMN = "column-"


def _secret(label: str) -> ExactText:
    attributes = {"autocomplete": "new-password", "spellcheck": "false", "maxlength": LONGEST_KEY, "class": "mono"}
    widget = forms.PasswordInput(attrs=attributes, render_value=False)
    return ExactText(label=label, widget=widget, help_text=_NOT_AGAIN)


def _text(label: str, longest: int, help_text: str) -> ExactText:
    attributes = {"class": "mono", "autocomplete": "off", "spellcheck": "false", "maxlength": longest}
    return ExactText(label=label, widget=forms.TextInput(attrs=attributes), help_text=help_text)


class TableForm(ReasonForm):
    """`table` is None for one that is not made yet: then the project is asked for too."""

    connection = forms.ModelChoiceField(active_connections(), to_field_name="slug", label="Project", empty_label=None)
    name = _text("Name", 200, "Queries read the table by this name.")
    format = forms.ChoiceField(label="Format", required=False)
    url_pattern = _text(
        "URL pattern", LONGEST_PATTERN + 100, "The https address of the files in the bucket, with * for what varies."
    )
    access_key = _secret("Access key")
    access_secret = _secret("Secret")

    def __init__(self, *args: Any, action: Action, table: WarehouseTable | None, held: Facts, **kwargs: Any) -> None:
        """`held` is what the proposal is written against; its columns are those that can get another type."""
        super().__init__(*args, **kwargs)
        self.action, self.has_keys = action, KEYS in action.fields
        wanted = {*action.fields, *(SECRETS if self.has_keys else ()), *(("connection",) if action.makes else ())}
        for name in ("connection", "name", "format", "url_pattern", *SECRETS):
            if name not in wanted:
                del self.fields[name]
        if "format" in self.fields:
            known = [] if action.makes or held.get("format") in FORMATS else [str(held.get("format") or "")]
            choices = [(one, one) for one in [*FORMATS, *known]]
            self.fields["format"].choices = [("", "Choose…"), *choices] if action.makes else choices  # type: ignore[attr-defined]
        if self.has_keys and not action.makes:
            self.fields["access_secret"].help_text = f"{_NOT_AGAIN} {_KEEP}"
        self.columns: dict[str, str] = {}  # the name of the field → the name of the column
        if "columns" in action.fields:
            self._add_columns(held)
        self.order_fields(["connection", *action.fields, *SECRETS, *self.columns, "reason"])

    def _add_columns(self, held: Facts) -> None:
        for place, column in enumerate(held.get("columns") or []):
            name, kind = str(column.get("name")), column.get("type") or "not said"
            field = forms.ChoiceField(
                label=name, required=False, choices=[("", f"as it is ({kind})"), *((one, one) for one in TYPES)]
            )
            self.columns[f"{COLUMN}{place}"] = name
            self.fields[f"{COLUMN}{place}"] = field

    @property
    def column_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.columns]

    def values(self) -> Facts:
        """What the service takes; keys are left out where none were entered and PostHog has some."""
        typed = self.cleaned_data
        found: Facts = {name: typed.get(name) for name in self.action.fields if name not in (KEYS, "columns")}
        if self.has_keys:
            keys = Entered(typed.get("access_key") or "", typed.get("access_secret") or "")
            found[KEYS] = keys if self.action.makes or keys != Entered("", "") else None
        if "columns" in self.action.fields:
            found["columns"] = {name: typed[field] for field, name in self.columns.items() if typed.get(field)}
        return found

    def add_user_errors(self, errors: dict[str, list[str]], otherwise: str) -> None:
        """The services name keys as parts of one field."""
        placed = {name.removeprefix(f"{KEYS}."): told for name, told in errors.items()}
        if KEYS in placed:
            placed["access_key"] = placed.pop(KEYS)
        super().add_user_errors(placed, otherwise)
        if self.has_keys and any(self.data.get(name) for name in SECRETS):
            self.add_error(None, "The keys are not kept by this page: enter them again.")
