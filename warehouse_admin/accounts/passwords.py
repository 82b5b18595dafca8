"""What no password may be."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

REFUSED = (
    "Everybody knows this password: it is that of the sandbox's demo people, and opens nothing here. Take another."
)


class NotTheDemoPassword:
    """The demo people's password is refused where real data is connected: signing in with it would fail."""

    def validate(self, password: str, user: Any = None) -> None:
        if not settings.SANDBOX_MODE and password == settings.SANDBOX_PASSWORD:
            raise ValidationError(REFUSED, code="demo_password")

    def get_help_text(self) -> str:
        return "Not the password of the sandbox's demo people."
