"""The only writer of the audit trail, and its check."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from warehouse_admin.audit import policies
from warehouse_admin.audit.appending import append
from warehouse_admin.audit.models import AuditEntry, Verification
from warehouse_admin.audit.redaction import clean_json, clean_text, holds_key
from warehouse_admin.audit.targets import Target
from warehouse_admin.audit.verification import verify
from warehouse_admin.core import context

__all__ = ["holds_key", "record", "record_denied", "verify", "verify_and_record"]

SYSTEM = "system"


def record(
    *,
    actor: Any,
    action: str,
    target: Target | None = None,
    result: str = AuditEntry.Result.OK,
    reason: str = "",
    before: Any = None,
    after: Any = None,
    remote: Any = None,
    connection: str = "",
    actor_name: str = "",
) -> AuditEntry:
    """Append one entry within the caller's transaction; call it last there, since it holds the chain until the commit.

    `actor` None is the system, or somebody nobody knows by the name `actor_name`.
    """
    now = context.current()
    about = target or Target("")
    entry = AuditEntry(
        at=timezone.now(),
        actor=actor,
        actor_name=clean_text(actor.get_username() if actor else actor_name or SYSTEM, 150),
        actor_kind=_kind(actor, now, actor_name),
        token_name=clean_text(now.token_name, 100) if actor else "",
        action=action,
        connection=clean_text(connection, 50),
        object_type=clean_text(about.type, 40),
        object_id=clean_text(about.id, 64),
        object_name=clean_text(about.name, 200),
        result=result,
        reason=clean_text(reason),
        before=clean_json(before),
        after=clean_json(after),
        remote=clean_json(remote),
        request_id=clean_text(now.request_id, 64),
        ip=clean_text(now.ip, 45),
        user_agent=clean_text(now.user_agent, 300),
    )
    return append(entry)


def record_denied(
    *, actor: Any, action: str, target: Target | None = None, reason: str = "", connection: str = ""
) -> AuditEntry:
    """Append the refusal of `action`; for the edges, after the refused transaction was rolled back."""
    return record(
        actor=actor,
        action=action,
        target=target,
        result=AuditEntry.Result.DENIED,
        reason=reason,
        connection=connection,
    )


def verify_and_record(*, actor: Any, resume: bool = False) -> Verification:
    """Check the chain and note in the trail that it was checked, by whom, and how it ended."""
    found = verify(resume=resume)
    record(
        actor=actor,
        action="audit.verified",
        target=policies.TRAIL,
        result=AuditEntry.Result.OK if found.bad_sequence is None else AuditEntry.Result.FAILED,
        reason=found.problem,
        after={"from": found.from_sequence, "to": found.to_sequence, "checkpoints": found.checkpoints},
    )
    return found


def _kind(actor: Any, now: context.RequestContext, actor_name: str) -> str:
    if actor is None:
        return AuditEntry.ActorKind.PERSON if actor_name else AuditEntry.ActorKind.SYSTEM
    return AuditEntry.ActorKind.TOKEN if now.token_name else AuditEntry.ActorKind.PERSON
