"""What the pages of interviews have in common."""

from __future__ import annotations

from typing import Any

from django import forms

from warehouse_admin.core.errors import NotPermitted, UserError
from warehouse_admin.interviews import services


def take_over(form: forms.Form, error: UserError) -> int:
    """Put a refusal into the form and give the status of the answer; a missing permission is no matter of the form."""
    if isinstance(error, NotPermitted):
        raise error
    for field, problems in error.errors.items():
        form.add_error(field if field in form.fields else None, problems)
    if not error.errors:
        form.add_error(None, error.message)
    return 422 if error.status in (400, 413) else error.status


def refusals(user: Any, connections: list[Any]) -> dict[str, str]:
    """Why nothing can be written to some connections, by their names."""
    return {one.name: why for one in connections if (why := services.refusal(one, user))}
