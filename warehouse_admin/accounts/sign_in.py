"""Sign-ins, failures and sign-outs, and what people change about how they sign in, written into the trail.

What was typed as password or code is never looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from allauth.socialaccount import signals as social_signals
from django.contrib.auth import signals
from django.core.cache import cache
from django.db.models import Q
from django.dispatch import Signal

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.digests import text_digest

if TYPE_CHECKING:
    from allauth.mfa.models import Authenticator
    from allauth.socialaccount.models import SocialAccount, SocialLogin

NOBODY = "anonymous"
_NOTED_FOR = 60
"""Seconds for which further throttled attempts on one account add no entry: guessing must not flood the trail."""


def connect() -> None:
    signals.user_logged_in.connect(note_sign_in, dispatch_uid="accounts.note_sign_in")
    signals.user_logged_out.connect(note_sign_out, dispatch_uid="accounts.note_sign_out")
    signals.user_login_failed.connect(note_failure, dispatch_uid="accounts.note_failure")
    for changed in (account_signals.password_changed, account_signals.password_set, account_signals.password_reset):
        changed.connect(note_password, dispatch_uid="accounts.note_password")
    for signal, note in _SECOND_FACTOR.items():
        signal.connect(note, dispatch_uid="accounts.note_second_factor")
    social_signals.social_account_added.connect(note_identity_linked, dispatch_uid="accounts.note_identity")
    social_signals.social_account_removed.connect(note_identity_removed, dispatch_uid="accounts.note_identity")


def note_sign_in(sender: object, user: User, **kwargs: Any) -> None:
    audit.record(actor=user, action="sign_in.ok", target=_target(user))


def note_sign_out(sender: object, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        audit.record(actor=user, action="sign_out.ok", target=_target(user))


def note_failure(sender: object, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Record the attempt under the account it was aimed at, or under nobody's when there is none."""
    name = str(credentials.get("username") or credentials.get("email") or "")
    _record_attempt(name, action="sign_in.failed", result="failed", reason="")


def note_password(sender: object, user: User, **kwargs: Any) -> None:
    """Record that somebody gave themselves another password."""
    audit.record(actor=user, action="person.password_changed", target=_target(user))


def note_factor_added(sender: object, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record_factor(user, "person.second_factor_added", after={"kind": authenticator.type})


def note_factor_removed(sender: object, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record_factor(user, "person.second_factor_removed", before={"kind": authenticator.type})


def note_factor_reset(sender: object, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    """Record that somebody made new recovery codes; the old ones are worth nothing any more."""
    _record_factor(user, "person.second_factor_reset", after={"kind": authenticator.type})


def note_wrong_code(sender: object, user: User, **kwargs: Any) -> None:
    """Record an attempt that had the right password, but not the second factor."""
    reason = "The code of the second factor was wrong."
    audit.record(actor=user, action="sign_in.failed", target=_target(user), result="failed", reason=reason)


_SECOND_FACTOR: dict[Signal, Callable[..., None]] = {
    mfa_signals.authenticator_added: note_factor_added,
    mfa_signals.authenticator_removed: note_factor_removed,
    mfa_signals.authenticator_reset: note_factor_reset,
    mfa_signals.authentication_failed: note_wrong_code,
}


def _record_factor(user: User, action: str, **told: Any) -> None:
    audit.record(actor=user, action=action, target=_target(user), **told)


def note_identity_linked(sender: object, sociallogin: SocialLogin, **kwargs: Any) -> None:
    """Record that an identity of the single sign-on opens this account from now on."""
    user = sociallogin.account.user
    audit.record(
        actor=user, action="person.identity_linked", target=_target(user), after=_identity(sociallogin.account)
    )


def note_identity_removed(sender: object, socialaccount: SocialAccount, **kwargs: Any) -> None:
    user = socialaccount.user
    audit.record(actor=user, action="person.identity_removed", target=_target(user), before=_identity(socialaccount))


def _identity(account: SocialAccount) -> dict[str, str]:
    return {"provider": account.provider, "identity": account.uid}


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
