"""Turn what people type into clean values; the services have the rules."""

from __future__ import annotations

from typing import Any

from django import forms

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.interviews import addresses, audio, recordings

_ONE_A_LINE = "One on a line, like ada@example.com or Ada Lovelace &lt;ada@example.com&gt;."


def _emails() -> forms.CharField:
    return forms.CharField(
        label="Interviewees",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_ONE_A_LINE,
        error_messages={"required": "Give the e-mail address of at least one interviewee."},
    )


def _people(text: str) -> list[str]:
    try:
        return addresses.clean(addresses.split(text), quoting=True)
    except InvalidInput as wrong:
        raise forms.ValidationError(wrong.errors[addresses.FIELD]) from None


def _seen() -> forms.CharField:
    """The fingerprint of what the form was opened on."""
    missing = "This page does not say what it was opened on: open it again."
    return forms.CharField(max_length=64, widget=forms.HiddenInput, error_messages={"required": missing})


class UploadForm(forms.Form):
    """A recording and who is heard in it. The file itself is checked by the service, by its bytes."""

    audio = forms.FileField(
        label="Recording",
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": audio.ACCEPT}),
    )
    interviewee_emails = _emails()
    connection = forms.ModelChoiceField(label="Connection", queryset=Connection.objects.none(), empty_label=None)
    token = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, connections: list[Connection], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = recordings.limit()
        recording, chosen = self.fields["audio"], self.fields["connection"]
        recording.widget.attrs |= {"data-most-bytes": most}
        recording.help_text = f"{audio.names()}; at most {most // 1024 // 1024:,} MB. An hour of speech is about 60 MB."
        chosen.queryset = Connection.objects.filter(pk__in=[one.pk for one in connections])  # type: ignore[attr-defined]
        if len(connections) == 1:
            chosen.initial, chosen.required, chosen.widget = connections[0].pk, False, forms.HiddenInput()
        self._only = connections[0] if len(connections) == 1 else None

    def clean_connection(self) -> Connection | None:
        return self.cleaned_data.get("connection") or self._only

    def clean_interviewee_emails(self) -> list[str]:
        return _people(self.cleaned_data["interviewee_emails"])


class EditForm(forms.Form):
    """What can be changed of an interview, and what the form was opened on."""

    summary = forms.CharField(
        label="Summary",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14}),
        help_text="Markdown: # headings, **bold**, lists. HTML and pictures are not shown.",
    )
    interviewee_emails = _emails()
    reason = forms.CharField(
        label="Why",
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept in the audit trail: do not repeat what was said in the interview.",
    )
    seen = _seen()

    def clean_interviewee_emails(self) -> list[str]:
        return _people(self.cleaned_data["interviewee_emails"])


class DeleteForm(forms.Form):
    """A deletion cannot be undone, so the id is typed. It is of what the form was opened on."""

    reason = forms.CharField(
        label="Why",
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the audit trail: do not repeat what was said in the interview.",
        error_messages={"required": "Say why; the reason is kept in the audit trail."},
    )
    confirm = forms.CharField(
        label="Id of the interview",
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
        error_messages={"required": "Repeat the id of the interview: deleting it cannot be undone."},
    )
    seen = _seen()
