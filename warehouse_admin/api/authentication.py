"""Who is calling: an API token, else the browser session with its CSRF token."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from warehouse_admin.accounts import tokens
from warehouse_admin.accounts.models import ApiToken, User
from warehouse_admin.core import context


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer wa_…`. A header that opens nothing is refused, whatever the session would allow."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        found = tokens.authenticate(header)
        if found is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked. Make a new one in your settings.")
        context.note_token(found[1].name)
        return found

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="portal"'


class BrowserSessionAuthentication(SessionAuthentication):
    """The signed-in person of this browser; every call that changes something needs the CSRF token."""
