"""Turns what was typed into values; what they mean and whether they are allowed is for the services."""

from __future__ import annotations

from typing import Any

from django import forms

from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.roles import Role
from warehouse_admin.core.errors import InvalidInput, UserError


class ServiceForm(forms.Form):
    """A form whose service may still say no: the refusal is shown where it belongs, and what was typed stays."""

    def add_refusal(self, error: UserError) -> None:
        fields = error.errors if isinstance(error, InvalidInput) else {}
        for name, sentences in fields.items():
            self.add_error(name if name in self.fields else None, sentences)
        if not fields:
            self.add_error(None, error.message)


class ConnectionForm(ServiceForm):
    slug = forms.SlugField(label="Short name", max_length=50, help_text="In addresses and filters, like “prod”.")
    name = forms.CharField(label="Name", max_length=100, required=False, help_text="How people see it.")
    host = forms.CharField(
        label="Host", max_length=300, help_text="With its scheme: https://us.posthog.com or https://eu.posthog.com."
    )
    project_id = forms.CharField(
        label="Project id", max_length=50, help_text="The number in PostHog's address: /project/12345."
    )
    api_key = forms.CharField(
        label="API key",
        required=False,
        strip=True,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="A personal API key (phx_…). It is encrypted, and never shown again.",
    )
    apply_policy = forms.ChoiceField(label="Approved changes", choices=Connection.ApplyPolicy.choices)
    key_policy = forms.ChoiceField(label="Writes use", choices=Connection.KeyPolicy.choices)
    budget_per_minute = forms.IntegerField(
        label="Requests a minute", min_value=0, max_value=1_000_000, help_text="0: no limit of ours."
    )
    budget_per_hour = forms.IntegerField(
        label="Requests an hour", min_value=0, max_value=10_000_000, help_text="0: no limit of ours."
    )
    sync_every_minutes = forms.IntegerField(label="Minutes between syncs", min_value=1, max_value=1440)
    vanish_limit_percent = forms.IntegerField(
        label="Stop when so many percent vanish",
        min_value=1,
        max_value=100,
        help_text="A sync that misses more of the known views than this stops and asks a person.",
    )
    guard_count = forms.IntegerField(
        label="Schedules at once", min_value=1, max_value=100_000, help_text="Acts on more need the number typed."
    )
    guard_percent = forms.IntegerField(
        label="Percent of schedules at once", min_value=1, max_value=100, help_text="More than this share needs it too."
    )
    guard_second_person = forms.BooleanField(
        label="Such acts wait for a second person", required=False, help_text="Nobody confirms what they started."
    )
    threads_block = forms.BooleanField(
        label="Unresolved threads hold an approved change back",
        required=False,
        help_text="It is applied once every thread about its lines is resolved.",
    )
    is_active = forms.BooleanField(label="Sync this connection", required=False, help_text="Untick to pause it.")

    @classmethod
    def start_values(cls, connection: Connection) -> dict[str, Any]:
        """What an edit form starts with: everything but the key."""
        return {name: getattr(connection, name) for name in cls.base_fields if name != "api_key"}


class PersonForm(ServiceForm):
    username = forms.CharField(label="User name", max_length=150)
    full_name = forms.CharField(label="Full name", max_length=150, required=False)
    email = forms.CharField(label="E-mail", max_length=254, required=False)
    roles = forms.MultipleChoiceField(
        label="Roles", choices=Role.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    is_active = forms.BooleanField(label="May sign in", required=False, initial=True)

    def __init__(self, *args: Any, editing: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["username" if editing else "is_active"]


class TokenForm(ServiceForm):
    name = forms.CharField(label="What is it for?", max_length=100)
    read_only = forms.BooleanField(label="Read only", required=False)
    expires_days = forms.IntegerField(
        label="Expires after days", required=False, min_value=1, max_value=3650, help_text="Empty: it does not expire."
    )


class KeyForm(ServiceForm):
    api_key = forms.CharField(
        label="API key", strip=True, max_length=500, widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )
