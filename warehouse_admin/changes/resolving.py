"""The parts of a conflict as a person settles them: a choice for each, and the text that the choices make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from warehouse_admin.changes import texts
from warehouse_admin.core.digests import json_digest
from warehouse_admin.core.editscript import lines_of
from warehouse_admin.core.merge import Hunk, joined, merge

THEIRS, MINE, BOTH, EDIT = "theirs", "mine", "both", "edit"
OPTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "conflict": ((THEIRS, "Keep theirs"), (MINE, "Keep mine"), (BOTH, "Both, theirs first"), (EDIT, "Edit")),
    "remote": ((THEIRS, "Keep theirs"), (MINE, "Leave it out"), (EDIT, "Edit")),
    "mine": ((MINE, "Keep mine"), (THEIRS, "Leave it out"), (EDIT, "Edit")),
}
_PRESELECTED = {"remote": THEIRS, "mine": MINE}


@dataclass(frozen=True)
class Part:
    """A hunk, the name of its fields, what is chosen for it, and the text in its editor."""

    hunk: Hunk
    key: str
    choice: str
    text: str
    conflict_number: int = 0

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        return OPTIONS.get(self.hunk.kind, ())

    @property
    def settled(self) -> str | None:
        """What it comes to; None while nobody has chosen."""
        if self.hunk.kind in ("unchanged", "same"):
            return self.hunk.remote
        if self.choice == EDIT:
            return self.text
        if self.choice == BOTH:
            return joined([self.hunk.remote, self.hunk.mine])
        return {THEIRS: self.hunk.remote, MINE: self.hunk.mine}.get(self.choice)

    @property
    def lines(self) -> int:
        return len(lines_of(self.hunk.remote))

    @property
    def rows(self) -> int:
        """How tall its editor is."""
        return min(max(self.text.count("\n") + 2, 3), 24)

    @property
    def place(self) -> str:
        """Where it stands in both texts."""
        theirs = _place(self.hunk.remote_line, self.hunk.remote)
        return f"PostHog {theirs} · proposal {_place(self.hunk.mine_line, self.hunk.mine)}"


def parts(base: str, remote: str, mine: str, typed: Mapping[str, str]) -> list[Part]:
    """Every part, with what was `typed` for it. Fields are named by what is in a part, not by its place, so that the
    choices of those that stay the same survive when PostHog moves once more."""
    seen: Counter[str] = Counter()
    found: list[Part] = []
    conflicts = 0
    for hunk in merge(base, remote, mine):
        content = json_digest([hunk.base, hunk.remote, hunk.mine])[:12]
        key = f"{content}-{seen[content]}"
        seen[content] += 1
        conflicts += hunk.kind == "conflict"
        number = conflicts if hunk.kind == "conflict" else 0
        choice = typed.get(f"part-{key}", "")
        if choice not in dict(OPTIONS.get(hunk.kind, ())):
            choice = _PRESELECTED.get(hunk.kind, "")
        found.append(Part(hunk, key, choice, _edited(hunk, mine, typed.get(f"text-{key}")), number))
    return found


def unsettled(found: Iterable[Part]) -> int:
    """How many conflicts nobody has chosen for."""
    return sum(part.settled is None for part in found)


def composed(found: Iterable[Part], otherwise: str | None = None) -> str | None:
    """The text that the choices make; None while a conflict is open, unless that is to be one side `otherwise`."""
    pieces = []
    for part in found:
        piece = part.settled
        if piece is None and otherwise is not None:
            piece = part.hunk.mine if otherwise == MINE else part.hunk.remote
        if piece is None:
            return None
        pieces.append(piece)
    return joined(pieces)


def _edited(hunk: Hunk, mine: str, typed: str | None) -> str:
    """The text of a part's editor; to begin with, both sides of a conflict, or what would be taken anyway."""
    if typed is None:
        start = hunk.result
        return joined([hunk.remote, hunk.mine]) if start is None else start
    return texts.with_newlines_of("\r\n" if texts.uses_crlf(mine) else "", typed)


def _place(start: int, text: str) -> str:
    number = len(lines_of(text))
    if number == 0:
        return f"after line {start - 1}" if start > 1 else "at the start"
    return f"line {start}" if number == 1 else f"lines {start}–{start + number - 1}"
