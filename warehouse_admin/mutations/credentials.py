"""The keys of a bucket: entered once, kept encrypted, sent once, and wiped however the attempt ends.

What is proposed, shown, digested and kept in the trail is a marker: who entered them and when, never what.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from warehouse_admin.accounts.models import User
from warehouse_admin.mutations.models import Credential, Mutation

Marker = dict[str, Any]
FIELD = "credential"
"""Where a payload has the marker."""
SHOWN = {"access_key": "(set, not shown)", "access_secret": "(set, not shown)"}
"""In place of the keys in every request that is shown or digested."""
SHORTEST_SOUGHT = 8


@dataclass(frozen=True)
class Entered:
    """What a person typed; its text never tells what."""

    access_key: str = field(repr=False)
    access_secret: str = field(repr=False)


def seal(entered: Entered, *, cause: str, by: User) -> Marker:
    """Keep them for the one mutation of this cause, in the caller's transaction; gives the marker."""
    kept = Credential.objects.create(
        cause=cause,
        access_key=entered.access_key,
        access_secret=entered.access_secret,
        entered_by=by,
        entered_at=timezone.now(),
    )
    return {
        "id": str(kept.pk),
        "set": ["access key", "secret"],
        "by": by.get_username(),
        "at": kept.entered_at.isoformat(),
    }


def opened(marker: Marker | None) -> Entered | None:
    """The keys behind a marker; None once they are wiped or cannot be read any more."""
    try:
        kept = _behind(marker).first()
    except InvalidToken:  # the key that they were encrypted with is no longer configured
        return None
    return Entered(kept.access_key or "", kept.access_secret or "") if kept else None


def is_kept(marker: Marker | None) -> bool:
    """Whether the keys behind a marker can still be sent."""
    return _behind(marker).exists()


def spent(causes: Iterable[str]) -> set[str]:
    """Of these causes, those whose keys were entered and are all wiped by now, in one query."""
    known: dict[str, bool] = {}
    for cause, wiped_at in Credential.objects.filter(cause__in=set(causes)).values_list("cause", "wiped_at"):
        known[cause] = known.get(cause, True) and wiped_at is not None
    return {cause for cause, is_spent in known.items() if is_spent}


def is_same(marker: Marker | None, entered: Entered) -> bool:
    """Whether a form that came again has the same keys; wiped ones are taken for the same: nobody can tell."""
    kept = opened(marker)
    if kept is None:
        return True
    pairs = ((kept.access_key, entered.access_key), (kept.access_secret, entered.access_secret))
    return all(constant_time_compare(one, other) for one, other in pairs)


def still_kept(cause: str) -> list[Entered]:
    """All keys of a cause that are not wiped and can still be read."""
    found = []
    for key in _unwiped().filter(cause=cause).values_list("pk", flat=True):
        if (kept := opened({"id": str(key)})) is not None:
            found.append(kept)
    return found


def repeated(entered: Entered, text: str) -> list[str]:
    """Which of the keys also stand in a text, by field; short ones could be a part of anything."""
    said = f"{text}\n{unquote(text)}".casefold()
    parts = ((name, getattr(entered, name).strip().casefold()) for name in SHOWN)
    return [name for name, part in parts if len(part) >= SHORTEST_SOUGHT and part in said]


def wipe(cause: str, because: str, *, but: Marker | None = None) -> int:
    """Forget the keys of a cause, all `but` those of this marker; says how many there were."""
    known = _unwiped().filter(cause=cause)
    if key := _key(but):
        known = known.exclude(pk=key)
    return known.update(access_key=None, access_secret=None, wiped_at=timezone.now(), wiped_because=because[:100])


def wipe_sent(mutation: Mutation) -> None:
    """An attempt has ended, however it did: what it sent, or would have sent, is not sent again."""
    if FIELD in mutation.payload:
        wipe(mutation.cause, f"the attempt ended: {mutation.state.replace('_', ' ')}")


def told(marker: Marker) -> str:
    """For people and the trail."""
    parts = ", ".join(f"{part} set" for part in marker.get("set") or ())
    return f"{parts} by {marker.get('by')} on {str(marker.get('at'))[:16].replace('T', ' at ')} UTC, never shown"


def _unwiped() -> QuerySet[Credential]:
    return Credential.objects.filter(wiped_at=None)


def _behind(marker: Marker | None) -> QuerySet[Credential]:
    key = _key(marker)
    return _unwiped().filter(pk=key) if key else Credential.objects.none()


def _key(marker: Marker | None) -> UUID | None:
    try:
        return UUID(str((marker or {}).get("id")))
    except ValueError:
        return None
