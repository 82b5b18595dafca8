"""Where the lines stand that the threads of a change are about: told anew for each revision, when it is written."""

from __future__ import annotations

from warehouse_admin.changes.models import ChangeRequest, Item, Place, Revision, Thread
from warehouse_admin.core import anchors

MOST_QUOTED = 20_000
"""Characters that are kept of the lines as they were."""


def text_of(item: Item, side: str) -> str:
    """The text that the lines of this side are lines of."""
    facts = item.base if side == Thread.Side.BASE else item.proposal
    return facts.get("query") or ""


def follow(change: ChangeRequest, revision: Revision) -> None:
    """Let the threads of a locked change follow their lines from the revision before into this new one."""
    threads = list(Thread.objects.filter(change=change))
    if not threads:
        return
    former = Item.objects.get(revision__change=change, revision__number=revision.number - 1, position=0)
    for side in Thread.Side:
        of_side = [thread for thread in threads if thread.side == side]
        places = {thread.pk: thread.place_in(revision.number - 1) for thread in of_side}
        _keep_places(of_side, places, former, revision, side)
    Thread.objects.bulk_update(threads, ["places"])


def places_of(opened: Revision, newest: Revision, side: str, place: Place, quoted: str) -> dict[str, Place | None]:
    """Where lines of one revision stand there, and in the newest one."""
    places: dict[str, Place | None] = {str(opened.number): place}
    if newest.number != opened.number:
        older, newer = text_of(opened.item, side), text_of(newest.item, side)
        places[str(newest.number)] = anchors.follow(older, newer, [anchors.Anchor(place, quoted)])[0]
    return places


def _keep_places(
    threads: list[Thread], places: dict[int, Place | None], former: Item, revision: Revision, side: str
) -> None:
    pointed = [anchors.Anchor(places[thread.pk], thread.quoted) for thread in threads]
    found = anchors.follow(text_of(former, side), text_of(revision.item, side), pointed)
    for thread, place in zip(threads, found, strict=True):
        thread.places[str(revision.number)] = place
