"""API tokens: made once, shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import ApiToken, User
from warehouse_admin.accounts.roles import MANAGE_PEOPLE
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import HOLDS_KEY
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import InvalidInput, Missing

PREFIX = "wa_"
LONGEST_DAYS = 3650
_USE_NOTED_EVERY = timedelta(minutes=1)


def create_token(
    *, user: User, name: str, read_only: bool = False, expires_days: int | None = None, actor: User | None = None
) -> tuple[ApiToken, str]:
    """A new token of `user` and its text, which cannot be had again. `actor` None is the system."""
    name = name.strip()
    if not name or len(name) > 100:
        raise InvalidInput("The token needs a name.", errors={"name": ["Give it a name of at most 100 characters."]})
    if audit.holds_key(name):
        raise InvalidInput(HOLDS_KEY, errors={"name": [HOLDS_KEY]})
    if expires_days is not None and not 1 <= expires_days <= LONGEST_DAYS:
        raise InvalidInput(
            "The expiry cannot be used.", errors={"expires_days": [f"Give 1 to {LONGEST_DAYS} days, or nothing."]}
        )
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=text[:10],
            digest=_digest(text),
            read_only=read_only,
            expires_at=timezone.now() + timedelta(days=expires_days) if expires_days else None,
        )
        audit.record(
            actor=actor,
            action="token.created",
            target=_target(token),
            after={"of": user.get_username(), "read_only": read_only, "expires_at": token.expires_at},
        )
    return token, text


def authenticate(header: str) -> tuple[User, ApiToken] | None:
    """The person and token behind an `Authorization` header's value (`Bearer wa_…`); None when it opens nothing."""
    scheme, _, text = header.strip().partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text.startswith(PREFIX):
        return None
    digest = _digest(text)
    token = ApiToken.objects.select_related("user").filter(digest=digest).first()
    if token is None or not hmac.compare_digest(token.digest, digest) or not _is_usable(token):
        return None
    _note_use(token)
    return token.user, token


def revoke_token(*, actor: User, token_id: int) -> ApiToken:
    """Make a token useless, at once and for good: one's own, or anybody's for those who manage people."""
    found = ApiToken.objects.select_related("user")
    with transaction.atomic():
        token = found.select_for_update(of=("self",)).filter(pk=token_id).first()
        if token is None:
            raise Missing("There is no such token.")
        if token.user_id != actor.pk:
            policies.require(actor, MANAGE_PEOPLE, action="token.revoked", target=_target(token))
        if token.revoked_at is None:
            token.revoked_at = timezone.now()
            token.save(update_fields=["revoked_at"])
            audit.record(
                actor=actor, action="token.revoked", target=_target(token), before={"of": token.user.get_username()}
            )
    return token


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_usable(token: ApiToken) -> bool:
    expired = token.expires_at is not None and token.expires_at <= timezone.now()
    return token.revoked_at is None and not expired and token.user.is_active


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at <= now - _USE_NOTED_EVERY:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lte=now - _USE_NOTED_EVERY)
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)


def _target(token: ApiToken) -> Target:
    return Target("token", str(token.pk), token.name)
