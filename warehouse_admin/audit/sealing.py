"""Signing the chain's end, and keeping the checks and the signatures up to date."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from warehouse_admin.audit import chain, checkpoints, services, signing
from warehouse_admin.audit.appending import locked_head
from warehouse_admin.audit.errors import NotSealed
from warehouse_admin.audit.models import AuditEntry, Checkpoint, Verification
from warehouse_admin.audit.targets import Target
from warehouse_admin.audit.verification import verified, verify

EVERY_ENTRIES = 1_000
EVERY = timedelta(hours=24)
"""A checkpoint is due after so many entries, or so long after the last one when anything happened since."""
WHOLE_EVERY = timedelta(days=7)
"""In between, checks go on from the last entry that was found good."""

_log = structlog.get_logger(__name__)


def seal(found: Verification, *, actor: Any = None) -> Checkpoint:
    """Sign the chain's end as `found` verified it, and tell of it in the trail. NotSealed unless all of it was good."""
    if found.bad_sequence is not None or found.kind == Verification.Kind.PART:
        raise NotSealed("Only a chain that was found whole from its first entry on is signed.")
    with transaction.atomic():
        locked_head()
        last = Checkpoint.objects.order_by("-number").first()
        if last and last.sequence >= found.to_sequence:
            return last
        made = _signed(found, last, actor)
        services.record(
            actor=actor,
            action=checkpoints.TOLD_BY,
            target=Target("checkpoint", str(made.number), f"checkpoint {made.number}"),
            after={"sequence": made.sequence, "digest": signing.digest(checkpoints.payload_of(made))},
        )
    # Log lines are shipped away: a copy there is out of reach of whoever rules the database.
    _log.info("audit_checkpoint", checkpoint=checkpoints.as_dict(made), public=signing.public_keys()[made.key_id])
    return made


def seal_if_due() -> Checkpoint | None:
    """Verify what was added and sign it, when it is time to; None when it is not, or when the chain is broken."""
    if not _is_due():
        return None
    found = verify(resume=True)
    return seal(found) if found.bad_sequence is None else None


def check_regularly() -> Verification:
    """The check that nobody asked for: the whole chain once a week, what was added since at other times."""
    whole = verified().filter(kind=Verification.Kind.WHOLE, is_finished=True, bad_sequence=None).first()
    killed = verified().filter(is_finished=False).first()
    is_fresh = whole is not None and timezone.now() - whole.at < WHOLE_EVERY
    return services.verify_and_record(actor=None, resume=is_fresh or killed is not None)


def rotate_key(*, actor: Any) -> None:
    """Forget the private key that signed so far; the next checkpoint is signed by a new one."""
    with transaction.atomic():
        locked_head()
        signing.retire()
        services.record(actor=actor, action="audit.key_retired", target=Target("audit", "", "signing key"))


def signer(*, actor: Any = None) -> signing.Signer:
    """The key that signs now; the trail tells when a new one had to be made."""
    with transaction.atomic():
        locked_head()
        found, is_new = signing.current()
        if is_new:
            # Under names that do not sound like a secret's: this is the half that everybody may know.
            told = {"ed25519": found.public_key, "fingerprint": found.key_id}
            services.record(actor=actor, action="audit.key_made", target=Target("audit", "", "signing key"), after=told)
    return found


def _signed(found: Verification, last: Checkpoint | None, actor: Any) -> Checkpoint:
    key = signer(actor=actor)
    checkpoint = Checkpoint(
        number=last.number + 1 if last else 1,
        at=timezone.now(),
        sequence=found.to_sequence,
        hash=found.to_hash,
        count=found.to_sequence,
        key_id=key.key_id,
        previous=signing.digest(checkpoints.payload_of(last)) if last else chain.GENESIS,
    )
    checkpoint.signature = key.sign(checkpoints.payload_of(checkpoint))
    checkpoint.save(force_insert=True)
    return checkpoint


def _is_due() -> bool:
    last = Checkpoint.objects.order_by("-number").first()
    # Entries that the checks themselves add are no reason for another one.
    since = AuditEntry.objects.filter(sequence__gt=last.sequence if last else 0).exclude(action__startswith="audit.")
    if last is None or timezone.now() - last.at >= EVERY:
        return since.exists()
    return since.order_by("sequence")[EVERY_ENTRIES - 1 : EVERY_ENTRIES].exists()
