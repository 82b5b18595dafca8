"""Which parts of a comparison differ in layout alone: white space, line ends, the case of keywords; not comments."""

from __future__ import annotations

from functools import cached_property

from warehouse_admin.core.editscript import Block
from warehouse_admin.lineage.normal import glued, holds_tag, names_in, upper_keywords
from warehouse_admin.lineage.parser import parse
from warehouse_admin.lineage.tokens import Kind, tokens


class Layout:
    """Asked of each changed block of lines of two texts; when unsure, it is more than layout."""

    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new

    def __call__(self, block: Block) -> bool:
        before, after = self._old_lines[block.a : block.b], self._new_lines[block.c : block.d]
        if _bare(before) != _bare(after):
            return False
        if self._has_tag or self._cut(block) or _is_odd(before) or _is_odd(after):
            return False
        left, right = glued("\n".join(before), comments=True), glued("\n".join(after), comments=True)
        if [text for text, _ in left] == [text for text, _ in right]:
            return True
        # Any keyword can also be a name, whose case matters; only the grammar can tell which it is here.
        names = self._names
        return names is not None and upper_keywords(left, names) == upper_keywords(right, names)

    @cached_property
    def _old_lines(self) -> list[str]:
        return self._old.split("\n")

    @cached_property
    def _new_lines(self) -> list[str]:
        return self._new.split("\n")

    @cached_property
    def _has_tag(self) -> bool:
        return holds_tag(self._old) or holds_tag(self._new)

    @cached_property
    def _crossed(self) -> tuple[set[int], set[int]]:
        return _crossed_lines(self._old), _crossed_lines(self._new)

    def _cut(self, block: Block) -> bool:
        """Whether a string, a name or a comment goes on over an end of the block: white space may be its text."""
        old, new = self._crossed
        return not old.isdisjoint((block.a, block.b)) or not new.isdisjoint((block.c, block.d))

    @cached_property
    def _names(self) -> set[str] | None:
        first, second = parse(self._old).tree, parse(self._new).tree
        return None if first is None or second is None else names_in(first) | names_in(second)


def _bare(lines: list[str]) -> str:
    """Without white space and case: what differs in this is never layout alone, and it costs little to look."""
    return "".join("".join(lines).split()).casefold()


def _is_odd(lines: list[str]) -> bool:
    """Whether there is white space that people do not type: a reader has to see it."""
    return any(letter.isspace() and letter not in " \t\r" for line in lines for letter in line)


def _crossed_lines(text: str) -> set[int]:
    """The lines, counted from 0, that begin inside something that is not white space."""
    found: set[int] = set()
    line = 0
    for token in tokens(text):
        ends = token.text.count("\n")
        if ends and token.kind is not Kind.SPACE:
            found.update(range(line + 1, line + ends + 1))
        line += ends
    return found
