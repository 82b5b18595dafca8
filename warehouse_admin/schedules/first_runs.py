"""What the first runs after a campaign say about its outcomes, in words."""

from __future__ import annotations

from collections.abc import Mapping

from warehouse_admin.schedules.models import CampaignItem

Outcome, FollowUp = CampaignItem.Outcome, CampaignItem.FollowUp
Told = Mapping[tuple[str, str], int]
"""How many views have each outcome and each first run."""

_WORDS = {Outcome.RESUMED: "resumed", Outcome.ACCEPTED: "accepted"}
_WENT = {FollowUp.FAILED_AGAIN: "failed again at {their} first run", FollowUp.NO_RUN_YET: "did not run when due"}


def in_words(told: Told) -> str:
    """Like "10 resumed, of which 1 failed again at its first run."; empty while no first run speaks against any."""
    return " ".join(filter(None, (_of(outcome, word, told) for outcome, word in _WORDS.items())))


def _of(outcome: str, word: str, told: Told) -> str:
    total = sum(count for (name, _), count in told.items() if name == outcome)
    parts = []
    for went, text in _WENT.items():
        if count := told.get((outcome, went), 0):
            parts.append(f"{count:,} {text.format(their='its' if count == 1 else 'their')}")
    return f"{total:,} {word}, of which {' and '.join(parts)}." if parts else ""
