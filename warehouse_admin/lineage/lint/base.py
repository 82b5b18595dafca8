"""What a lint rule is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from django.db import models

from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.builtins import BUILTIN_TABLES
from warehouse_admin.lineage.lint.walk import Node, tables
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import SavedQuery


class Level(models.TextChoices):
    """How much a finding weighs."""

    ERROR = "error", "Error"
    WARNING = "warning", "Warning"
    NOTE = "note", "Note"
    OFF = "off", "Off"


@dataclass(frozen=True)
class Subject:
    """A text that parses, and the view that it is of or will be of; `view` is None for one that is not made yet."""

    sql: str
    tree: Node
    connection: Connection
    view: SavedQuery | None = None
    name: str = ""

    @cached_property
    def sources(self) -> dict[str, int]:
        """Where each source is named first, but for PostHog's own tables and itself."""
        return {name: at for name, at in tables(self.tree).items() if name not in BUILTIN_TABLES and name != self.name}

    @cached_property
    def trust(self) -> dict[str, hooks.Trusted]:
        """What people say of the trust in its sources and in itself, of those of which somebody does."""
        itself = [self.view.name] if self.view else []
        return hooks.trusted(self.connection, [*self.sources, *itself])

    @property
    def is_materialized(self) -> bool:
        return bool(self.view and self.view.is_materialized)


@dataclass(frozen=True)
class Found:
    """One place in the text, by its offset, and what is the matter there with what to do about it."""

    at: int
    message: str


class Rule:
    """One thing to look for; a subclass for each. The texts are those of the rule's page."""

    id: ClassVar[str]
    title: ClassVar[str]
    level: ClassVar[Level] = Level.WARNING
    why: ClassVar[str]
    bad: ClassVar[str]
    good: ClassVar[str]
    limits: ClassVar[str] = ""
    """What it does not see, or leaves alone on purpose."""
    of_previews: ClassVar[bool] = False
    """It says something beside a preview, and nothing about a view."""

    def look(self, subject: Subject) -> Iterable[Found]:
        raise NotImplementedError

    def each(self, subject: Subject) -> Iterator[Found]:
        """What it found, each place once."""
        seen: set[tuple[int, str]] = set()
        for found in self.look(subject):
            if (found.at, found.message) not in seen:
                seen.add((found.at, found.message))
                yield found
