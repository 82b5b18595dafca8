"""Asking for a part of the trail as a file, stopping that, fetching it, and clearing it away."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from warehouse_admin.audit import export_texts, export_writing, policies, selectors, services, tasks
from warehouse_admin.audit.models import AuditEntry, Export, ExportPart
from warehouse_admin.audit.reasons import HOLDS_KEY, clean_reason
from warehouse_admin.audit.redaction import holds_key
from warehouse_admin.core.errors import InvalidInput, Missing, UserError
from warehouse_admin.core.unseen import is_blank

MOST_AT_ONCE = 3
"""So many exports of one person may be under way."""
_OPEN = (Export.State.QUEUED, Export.State.RUNNING)


def ask(*, user: Any, format: str, filters: Mapping[str, str], masked: bool = True, reason: str = "") -> Export:
    """Queue an export of what the filters find among what the person may read; to be had unmasked needs a reason."""
    kept = selectors.settled(filters)
    _check(user, format, kept, masked, reason)
    reason = clean_reason(reason, needed=False)
    with transaction.atomic():
        export = Export.objects.create(
            format=format,
            filters=kept,
            is_masked=masked,
            reason=reason,
            asked_by=user,
            to_sequence=selectors.chain_length(),
        )
        services.record(
            actor=user,
            action="audit.export_asked",
            target=export_texts.target(export),
            result=AuditEntry.Result.ASKED,
            reason=export.reason,
            after={"format": format, "filters": kept, "masked": masked, "to_sequence": export.to_sequence},
        )
        _queue(export)
    return export


def _check(user: Any, format: str, filters: Mapping[str, str], masked: bool, reason: str) -> None:
    errors: dict[str, list[str]] = {}
    if format not in Export.Format.values:
        errors["format"] = [f"Choose one of {', '.join(Export.Format.values)}."]
    _, problems = selectors.filtered(AuditEntry.objects.none(), filters)
    # They are kept, and a signed segment tells them to whoever gets it.
    if any(holds_key(value) for value in filters.values()):
        problems = [HOLDS_KEY]
    if problems:
        errors["filters"] = problems
    if not masked:
        policies.require_sees_all(user, action="audit.export_asked")
        if is_blank(reason):
            errors["reason"] = ["Say what the addresses and e-mails are needed for."]
    if Export.objects.filter(asked_by=user, state__in=_OPEN).count() >= MOST_AT_ONCE:
        raise UserError(f"{MOST_AT_ONCE} exports of yours are under way; wait for one, or stop one.")
    if errors:
        name = next(iter(errors))
        raise InvalidInput(f"{name}: {errors[name][0]}", errors=errors)


def exports_of(user: Any) -> QuerySet[Export]:
    """A person's own exports, the newest first: whoever asked for one is the only one who gets it."""
    return Export.objects.filter(asked_by=user.pk).order_by("-asked_at")


def get(user: Any, export_id: Any) -> Export:
    """One of the person's own exports; Missing for anybody else's."""
    export = exports_of(user).filter(pk=export_id).first()
    if export is None:
        raise Missing("There is no such export of yours.")
    return export


def stop(export: Export, *, user: Any) -> None:
    """Let no more of it be written; what there is goes away."""
    with transaction.atomic():
        if not Export.objects.filter(pk=export.pk, state__in=_OPEN).update(
            state=Export.State.STOPPED, finished_at=timezone.now()
        ):
            raise UserError("It has ended already.")
        ExportPart.objects.filter(export=export).delete()
        services.record(actor=user, action="audit.export_stopped", target=export_texts.target(export))
    export.refresh_from_db()


def content(export: Export, *, user: Any) -> Iterator[bytes]:
    """The file in pieces, for the person who asked, who must still be allowed to read what is in it."""
    if export.state != Export.State.SUCCEEDED:
        raise UserError("The file is not there: it was not written to its end.")
    if not export.is_there:
        raise UserError("The file has been cleared away; ask for it again.")
    if export.saw_all:
        policies.require_sees_all(user, action="audit.export_downloaded")
    services.record(
        actor=user,
        action="audit.export_downloaded",
        target=export_texts.target(export),
        after={"sha256": export.sha256, "masked": export.is_masked},
    )
    return _parts(export)


def tend() -> None:
    """Queue again what no worker took or a killed one left, give up what never ends, clear away old files."""
    now = timezone.now()
    silent = Q(state=Export.State.RUNNING, seen_at__lt=now - export_writing.SILENT)
    waiting = Q(state=Export.State.QUEUED, asked_at__lt=now - export_writing.SILENT)
    for export in Export.objects.filter(silent | waiting):
        if export.attempts >= export_writing.MOST_ATTEMPTS:
            export_writing.give_up(export)
        else:
            _queue(export)
    ExportPart.objects.filter(export__expires_at__lte=now).delete()


def _parts(export: Export) -> Iterator[bytes]:
    for number in export.parts.order_by("number").values_list("number", flat=True):
        piece = export.parts.filter(number=number).values_list("content", flat=True).get()
        yield zlib.decompress(bytes(piece))


def _queue(export: Export) -> None:
    tasks.write_export.delay_on_commit(str(export.pk))  # type: ignore[attr-defined]
