"""What a person typed into the search box, taken apart. Knows no database and no operator by name.

    orders "gross margin" uses:raw_orders -tag:draft

Words and "quoted phrases" look into everything; `operator:value` narrows by one thing; a leading minus excludes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

LONGEST = 500
MOST_TERMS = 20
_TERM = re.compile(
    r"""(?P<minus>-(?=[^\s-]))?(?:(?P<operator>[A-Za-z][A-Za-z_]*):(?=[^:]|$))?(?P<value>"[^"]*"?|\S*)"""
)


@dataclass(frozen=True)
class Term:
    """One thing that is asked for, or with `excluded` not wanted. Without `operator`: a text anywhere."""

    value: str
    operator: str = ""
    excluded: bool = False


@dataclass(frozen=True)
class Search:
    """Everything that was typed and understood; `problems` says in sentences what was not, and that it is left out."""

    terms: tuple[Term, ...] = ()
    problems: tuple[str, ...] = field(default=())


def parse(text: str, operators: Collection[str]) -> Search:
    """Take a search apart. Operators are known whatever their case; text between quotes is taken as it is."""
    terms: list[Term] = []
    problems: list[str] = []
    text = text.replace("\x00", " ")
    if len(text) > LONGEST:
        problems.append(f"A search has at most {LONGEST} characters; the rest is left out.")
        text = text[:LONGEST]
    for found in _pieces(text):
        problem = _read(found, operators, terms)
        if problem:
            problems.append(problem)
    if len(terms) > MOST_TERMS:
        last = _shown(terms[MOST_TERMS - 1])
        problems.append(f"A search has at most {MOST_TERMS} parts; those after “{last}” are left out.")
    return Search(tuple(terms[:MOST_TERMS]), tuple(dict.fromkeys(problems)))


def last_piece(text: str) -> str:
    """What is being typed at the end of a text: from the start of its last part, "" after a space."""
    start = 0
    for found in _pieces(text):
        start = found.start()
        if found.end() == len(text):
            return text[start:]
    return ""


def quoted(value: str) -> str:
    """A value as it has to be typed: between quotes where it holds a space or could be read otherwise."""
    plain = value and not re.search(r"\s", value) and not value.startswith("-") and ":" not in value
    return value if plain else f'"{value}"'


def _pieces(text: str) -> list[re.Match[str]]:
    found = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        piece = _TERM.match(text, place)
        if piece is None or piece.end() == place:  # cannot be: something that is no space always is a value
            break
        found.append(piece)
        place = piece.end()
    return found


def _read(found: re.Match[str], operators: Collection[str], terms: list[Term]) -> str:
    """Add the term that a piece is; else say why it is none."""
    name, value = (found["operator"] or "").lower(), found["value"]
    if value.startswith('"'):
        if len(value) == 1 or not value.endswith('"'):
            return f"The quote before “{value[1:41].strip()}” is not closed: close it or take it away."
        value = value[1:-1]
    if name and name not in operators:
        known = ", ".join(f"{operator}:" for operator in operators)
        typed = f"{found['operator']}:{value}"[:60]
        told = f"There is no {name[:30]}: to search by. Use {known}"
        return f"{told}, or put “{typed}” between quotes to look for the text."
    if not value.strip():
        return f"Write something behind {name}: to search by it." if name else "There is nothing between the quotes."
    terms.append(Term(value, name, bool(found["minus"])))
    return ""


def _shown(term: Term) -> str:
    return (f"{term.operator}:" if term.operator else "") + term.value[:40]
