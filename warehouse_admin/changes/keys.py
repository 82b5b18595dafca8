"""The keys of a bucket on their way through a change: sealed with a revision, gone with the end of the change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from warehouse_admin.accounts.models import User
from warehouse_admin.changes.actions import Facts
from warehouse_admin.changes.actions.keys import KEYS, PARTS
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mutations import services as mutations

_WITH_KEYS = (ChangeRequest.Action.CREATE_TABLE, ChangeRequest.Action.UPDATE_TABLE)
_CALLED = {"url_pattern": "URL pattern"}


def sealed(change: ChangeRequest, proposal: Facts, by: User) -> Facts:
    """The proposal as it is kept: in place of keys that were typed, who entered them and when."""
    entered = proposal.get(KEYS)
    if not isinstance(entered, mutations.Entered):
        return proposal
    return {**proposal, KEYS: mutations.seal(entered, cause=change.cause, by=by)}


def refuse_repeated(
    texts: Mapping[str, object], *, entered: object = None, change: ChangeRequest | None = None
) -> None:
    """Raise where a text that anybody may read has the keys in it: those just typed, or those kept for the change.

    Asked before anything is kept, for nothing that the trail holds can be taken out of it again.
    """
    known = [entered] if isinstance(entered, mutations.Entered) else []
    if change is not None and change.action in _WITH_KEYS:
        known += mutations.still_kept(change.cause)
    found = {name: told for name, text in texts.items() if isinstance(text, str) and (told := _told(name, text, known))}
    if found:
        raise InvalidInput(next(iter(found.values())), errors={name: [told] for name, told in found.items()})


def _told(field: str, text: str, known: Iterable[mutations.Entered]) -> str:
    parts = {part for keys in known for part in mutations.repeated(keys, text)}
    words = " and the ".join(word for name, word in PARTS.items() if name in parts)
    return f"The {_CALLED.get(field, field)} contains the {words}: leave it out." if words else ""


def wipe(change: ChangeRequest, because: str, *, but: Facts | None = None) -> None:
    """Forget the keys of a change, all `but` those of this proposal."""
    if change.action in _WITH_KEYS:
        mutations.wipe(change.cause, because, but=(but or {}).get(KEYS))


def spent_of(changes: Iterable[ChangeRequest]) -> frozenset[int]:
    """Of these changes, those whose keys are gone, by primary key, in one query."""
    causes = {change.cause: change.pk for change in changes if change.action in _WITH_KEYS}
    return frozenset(causes[cause] for cause in mutations.spent(causes)) if causes else frozenset()


def why_spent(change: ChangeRequest) -> str:
    """That its keys have to be entered anew before it can go on; empty where they are there or none are needed."""
    if change.action not in _WITH_KEYS or change.is_closed:
        return ""
    known = getattr(change, "spent", None)  # where a list has asked for all its rows at once
    if change.pk not in (spent_of([change]) if known is None else known):
        return ""
    return "The keys of the bucket are not kept any more: an edit has to enter them anew."


def refuse_spent(change: ChangeRequest) -> None:
    """Raise where a change lacks the keys that it would send."""
    if why := why_spent(change):
        raise StateForbids(why, kind="fix", who=f"{change.author.display_name}, by an edit")
