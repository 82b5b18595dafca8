"""What people type about a view or table."""

from __future__ import annotations

from typing import Any

from django import forms

from warehouse_admin.audit import reasons
from warehouse_admin.catalog import selectors, tags
from warehouse_admin.catalog.bulk import Wanted

STAYS = "="
"""The owner of each stays; no user name is this."""


class BulkForm(forms.Form):
    """What shall become of the owner and tags of many views."""

    owner = forms.ChoiceField(label="Owner", required=False, initial=STAYS)
    added = forms.CharField(label="Add tags", required=False, max_length=600, help_text="With commas between them.")
    removed = forms.CharField(
        label="Take tags away", required=False, max_length=600, help_text="With commas between them."
    )
    reason = forms.CharField(label="Why", required=False, max_length=reasons.LONGEST)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        people = [(user.username, user.display_name) for user in selectors.people()]
        self.fields["owner"].choices = [(STAYS, "As it is"), ("", "Nobody"), *people]  # type: ignore[attr-defined]

    def wanted(self) -> Wanted:
        given = self.cleaned_data
        owner = None if given["owner"] == STAYS else given["owner"]
        return Wanted(owner, tags.split(given["added"]), tags.split(given["removed"]))


class DescribeForm(forms.Form):
    """Owner and tags; `owner` is who has it now, who stays to choose from even when no longer active."""

    owner = forms.ChoiceField(label="Owner", required=False, help_text="Who answers for it.")
    tags = forms.CharField(
        label="Tags",
        required=False,
        max_length=600,
        help_text=f"At most {tags.MOST}, with commas between them.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    reason = forms.CharField(label="Why", required=False, max_length=reasons.LONGEST)

    prefix = "catalog"

    def __init__(self, data: Any = None, *, owner: str = "", initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        people = [(user.username, user.display_name) for user in selectors.people()]
        known = {name for name, _ in people}
        gone = [(owner, f"{owner} (no longer active)")] if owner and owner not in known else []
        self.fields["owner"].choices = [("", "Nobody"), *gone, *people]  # type: ignore[attr-defined]
