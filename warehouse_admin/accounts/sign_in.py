"""Sign-ins, failures and sign-outs, written into the trail. What was typed as password is never looked at."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import signals
from django.core.cache import cache
from django.db.models import Q

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.digests import text_digest

NOBODY = "anonymous"
_NOTED_FOR = 60
"""Seconds for which further throttled attempts on one account add no entry: guessing must not flood the trail."""


def connect() -> None:
    signals.user_logged_in.connect(note_sign_in, dispatch_uid="accounts.note_sign_in")
    signals.user_logged_out.connect(note_sign_out, dispatch_uid="accounts.note_sign_out")
    signals.user_login_failed.connect(note_failure, dispatch_uid="accounts.note_failure")


def note_sign_in(sender: object, user: User, **kwargs: Any) -> None:
    audit.record(actor=user, action="sign_in.ok", target=_target(user))


def note_sign_out(sender: object, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        audit.record(actor=user, action="sign_out.ok", target=_target(user))


def note_failure(sender: object, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Record the attempt under the account it was aimed at, or under nobody's when there is none."""
    name = str(credentials.get("username") or credentials.get("email") or "")
    _record_attempt(name, action="sign_in.failed", result="failed", reason="")


def note_throttled(name: str) -> None:
    """Record that attempts on an account are refused for a while because too many failed."""
    if cache.add(f"sign-in-throttled:{text_digest(name.lower())}", 1, _NOTED_FOR):
        _record_attempt(name, action="sign_in.throttled", result="denied", reason="Too many failed attempts.")


def _record_attempt(name: str, *, action: str, result: str, reason: str) -> None:
    name = name.replace("\x00", "")[:150]
    user = User.objects.filter(Q(username=name) | Q(email__iexact=name)).first() if name else None
    audit.record(
        actor=user,
        actor_name=NOBODY,
        action=action,
        target=_target(user) if user else Target("user", "", name),
        result=result,
        reason=reason or ("" if user else "No such account."),
    )


def _target(user: User) -> Target:
    return Target("user", str(user.pk), user.get_username())
