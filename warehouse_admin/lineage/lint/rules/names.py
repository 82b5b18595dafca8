"""How views and columns are called."""

from __future__ import annotations

import re
from collections.abc import Iterable

from warehouse_admin.lineage.lint.base import Found, Level, Rule, Subject
from warehouse_admin.lineage.lint.walk import at, first_of, output_names
from warehouse_admin.lineage.normal import KEYWORDS

_SNAKE = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_RESERVED = KEYWORDS | {"TRUE", "FALSE", "TEAM_ID"}


class Naming(Rule):
    id = "naming"
    title = "A name that has to be quoted or guessed"
    level = Level.NOTE
    why = (
        "Case counts in HogQL, so that userId and userid are two columns. A name with other signs, one that begins "
        "with a digit and one that is a word of the language have to be quoted wherever they are read."
    )
    bad = "SELECT id AS orderId, sum(total) AS order\nFROM orders\nGROUP BY id"
    good = "SELECT id AS order_id, sum(total) AS order_total\nFROM orders\nGROUP BY id"
    limits = "The columns of the view, and the name of a view that is proposed. Views that have their name keep it."

    def look(self, subject: Subject) -> Iterable[Found]:
        if subject.view is None and subject.name:
            for part in subject.name.split("."):
                if wrong := _wrong(part):
                    yield Found(0, f"The name of the view, {subject.name}, {wrong}.")
                    break
        for name, item in output_names(first_of(subject.tree)):
            if wrong := _wrong(name):
                yield Found(at(item), f"The name of the column, {name[:60]}, {wrong}.")


def _wrong(name: str) -> str:
    """What is the matter with a name, as the end of a sentence."""
    if name.upper() in _RESERVED:
        return "is a word of the query language: it has to be quoted wherever it is read"
    if name[:1].isdigit():
        return "begins with a digit: it has to be quoted wherever it is read"
    if _SNAKE.fullmatch(name):
        return ""
    if name.isascii() and name.replace("_", "").isalnum():
        return "has capitals, and case counts. Use lower case with _ between words"
    return "has signs that need quotes. Use lower case letters, digits and _"
