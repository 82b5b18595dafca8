"""What is typed about lines of a change: words, and perhaps another text for them."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from warehouse_admin.changes import suggesting
from warehouse_admin.changes.forms import ExactText
from warehouse_admin.changes.review import LONGEST_COMMENT

CHOSEN_LATER = "These lines were chosen after this text was written: look at it once more, then send it."


class ReplyForm(forms.Form):
    """What is said in a thread. `quoted` are its lines, `suggests` whether another text for them can be suggested."""

    comment = ExactText(
        label="Comment", widget=forms.Textarea(attrs={"rows": 3, "maxlength": LONGEST_COMMENT}), max_length=50_000
    )
    suggestion = ExactText(
        label="What should stand there instead",
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false", "wrap": "off"}),
        help_text="Left as it is, nothing is suggested; left empty, the lines go. Once it is accepted you count as a "
        "writer of the query and cannot approve it.",
    )
    nonce = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def __init__(self, sent: Any = None, *, quoted: str, suggests: bool, initial: dict[str, Any] | None = None) -> None:
        super().__init__(sent, initial={"suggestion": quoted, "nonce": uuid.uuid4().hex, **(initial or {})})
        self.quoted = quoted
        if not suggests:
            del self.fields["suggestion"]

    @property
    def suggested(self) -> str | None:
        """The text for the lines, where it is another one than theirs; for a form that was sent."""
        if "suggestion" not in self.fields or "suggestion" not in self.data:
            return None
        typed = suggesting.plain(self.cleaned_data.get("suggestion") or "")
        return None if typed == suggesting.plain(self.quoted) else typed

    @property
    def suggests_something(self) -> bool:
        """Whether the part for a suggestion begins open."""
        if "suggestion" not in self.fields:
            return False
        typed = suggesting.plain(str(self["suggestion"].value() or ""))
        return bool(self["suggestion"].errors) or typed != suggesting.plain(self.quoted)

    def add_user_errors(self, errors: dict[str, list[str]], otherwise: str) -> None:
        """Put a service's refusal where it belongs; above the form where no field is to blame."""
        placed = [name for name in errors if name in self.fields]
        for name in placed:
            self.add_error(name, errors[name])
        if not placed:
            self.add_error(None, otherwise)


class ThreadForm(ReplyForm):
    """The same about lines that are still to be chosen: from the one that the address names to `last`."""

    last = forms.IntegerField(label="to", required=False, min_value=1, max_value=10**6)
    shown_last = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1, max_value=10**6)

    def clean(self) -> dict[str, Any]:
        """What was written for other lines is looked at once more."""
        cleaned: dict[str, Any] = super().clean() or {}
        chosen_later = cleaned.get("last") != cleaned.get("shown_last")
        if chosen_later and not self.errors and self.suggested is not None:
            self.add_error("suggestion", CHOSEN_LATER)
        return cleaned
