"""The columns of something that is read: those that are known, in order, and what else it may have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from warehouse_admin.lineage.value_types import family

LONGEST_MARK = 120
UNNAMED = ""


@dataclass(frozen=True)
class Column:
    """A column by name. `type` is a family of types, "" where unknown.

    `mark` tells what it is computed from: of two columns with one mark the type is the same, whatever it is.
    """

    name: str
    type: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Rest:
    """Columns that nobody has listed for us, all those of `source` that are not excluded."""

    source: str
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Columns:
    """What a table, view or subquery gives."""

    parts: tuple[Column | Rest, ...] = ()

    @cached_property
    def named(self) -> dict[str, Column]:
        found: dict[str, Column] = {}
        for part in self.parts:
            if isinstance(part, Column) and part.name:
                found.setdefault(part.name, part)
        return found

    @cached_property
    def rests(self) -> tuple[Rest, ...]:
        return tuple(part for part in self.parts if isinstance(part, Rest))

    @cached_property
    def unnamed(self) -> tuple[str, ...]:
        """The marks of columns without an alias, whose names PostHog makes up."""
        return tuple(part.mark for part in self.parts if isinstance(part, Column) and not part.name)

    @property
    def is_open(self) -> bool:
        """Whether it may have columns that are not listed."""
        return bool(self.rests)

    @property
    def width(self) -> int | None:
        """How many there are; None where that is not known."""
        return None if self.is_open else len(self.parts)

    def may_have(self, name: str) -> bool:
        """Whether a column of this name can be among those that are not listed."""
        return bool(self.unnamed and not name.isidentifier()) or any(name not in rest.excluded for rest in self.rests)

    def unlisted(self, name: str) -> str:
        """The mark of a column that is not listed."""
        unnamed = () if name.isidentifier() else self.unnamed
        return mark_of("in", *(rest.source for rest in self.rests), *unnamed, name)

    def without(self, names: frozenset[str]) -> Columns:
        return Columns(
            tuple(
                replace(part, excluded=part.excluded | names) if isinstance(part, Rest) else part
                for part in self.parts
                if isinstance(part, Rest) or part.name not in names
            )
        )

    def renamed(self, names: list[str]) -> Columns:
        """As `AS t (a, b)` names them; what is not listed cannot be renamed one by one."""
        if self.is_open:
            return Columns(tuple(Column(name, mark=mark_of(self.describe(), name)) for name in names))
        parts = [part for part in self.parts if isinstance(part, Column)]
        return Columns(tuple(replace(part, name=name) for part, name in zip(parts, names, strict=False)))

    def filled(self, rests: dict[str, tuple[Column, ...]]) -> Columns:
        """With columns in place of the rest of sources for which somebody has listed them."""
        parts: list[Column | Rest] = []
        for part in self.parts:
            if isinstance(part, Rest) and part.source in rests:
                parts.extend(one for one in rests[part.source] if one.name not in part.excluded)
            else:
                parts.append(part)
        return Columns(tuple(parts))

    def describe(self) -> str:
        """All of it as one text: equal for two only where name, order and mark of each column are."""
        return ", ".join(
            f"{part.name}={part.mark}" if isinstance(part, Column) else f"*{part.source}-{sorted(part.excluded)}"
            for part in self.parts
        )

    def __iter__(self) -> Iterator[Column | Rest]:
        return iter(self.parts)


def unknown(source: str) -> Columns:
    """Of something whose columns nobody has listed."""
    return Columns((Rest(source),))


def mirrored(source: str, listed: Iterable[dict[str, Any]]) -> Columns:
    """From the columns as PostHog lists them; nothing listed is nothing known."""
    found = tuple(
        Column(str(one["name"]), family(str(one.get("type") or "")), f"{source}.{one['name']}") for one in listed
    )
    return Columns(found) if found else unknown(source)


def mark_of(*parts: str) -> str:
    """One mark for all of these, of bounded length."""
    text = "(" + " ".join(parts) + ")"
    return text if len(text) <= LONGEST_MARK else "#" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
