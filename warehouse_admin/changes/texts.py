"""The exact text of a query: its newlines on the way through a browser, and its digests."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse_admin.changes.dropped import Line
from warehouse_admin.core.digests import json_digest, text_digest
from warehouse_admin.lineage.normal import normalised, same_meaning

LINES_LISTED = 20
LARGEST_COMPARED = 256 * 1024  # characters; beyond, a comparison of meanings costs seconds, and any edit counts as real


def with_newlines_of(base: str, typed: str) -> str:
    """The text of a form, whose newlines a browser always turns into CRLF, with the newlines of `base` again.

    Nothing typed gives `base` itself, byte for byte. Otherwise CRLF where every newline of `base` is one, else LF:
    a text of mixed newlines leaves a browser as plain LF.
    """
    plain = _plain(typed)
    if plain == _plain(base):
        return base
    newlines, windows = base.count("\n"), base.count("\r\n")
    return plain.replace("\n", "\r\n") if newlines and newlines == windows else plain


def uses_crlf(text: str) -> bool:
    """Whether an editor should keep CRLF."""
    return text.count("\n") > 0 and text.count("\n") == text.count("\r\n")


def meaning_digest(base: str, proposal: str) -> str:
    """Of both texts with comments, white space and keyword case left out; of long ones as they are."""
    if max(len(base), len(proposal)) > LARGEST_COMPARED:
        return json_digest({"base": base, "proposal": proposal})
    return text_digest(f"{normalised(base)}\0{normalised(proposal)}")


def only_layout_differs(one: str, other: str) -> bool:
    """True when two texts certainly mean the same."""
    if one == other:
        return True
    return max(len(one), len(other)) <= LARGEST_COMPARED and same_meaning(one, other)


def left_out_told(added: Iterable[Line], removed: Iterable[Line]) -> str:
    """Which lines of whom a text leaves out, for the timeline; the audit trail keeps them all."""
    parts = []
    for lines, verb in ((list(added), "added"), (list(removed), "had removed")):
        for by in dict.fromkeys(line.by for line in lines):
            own = [line for line in lines if line.by == by]
            number = f"{len(own)} line{'s' if len(own) > 1 else ''}"
            parts.append(
                f"Drops {number} that {by} {verb}:" if verb == "added" else f"Restores {number} that {by} {verb}:"
            )
            parts += [f"{line.number}: {line.text.strip()[:200]}" for line in own[:LINES_LISTED]]
            parts += [f"and {len(own) - LINES_LISTED} more"] if len(own) > LINES_LISTED else []
    return "\n".join(parts)


def storable(text: str) -> str:
    """Prose without what no database keeps: NUL bytes and halves of character pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode().strip()


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
