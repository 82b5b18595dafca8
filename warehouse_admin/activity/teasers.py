"""What differs, in two lines: a reader of the list sees whether it is worth opening."""

from __future__ import annotations

from typing import Any, Literal

from django.db import models

from warehouse_admin.activity.wording import differing

Sign = Literal["-", "+", ""]
Teaser = list[tuple[Sign, str]]
"""A line that went, a line that came; with no sign, a field with its values."""
LONGEST = 80


class TeaserField(models.JSONField):
    """Written by itself from `before` and `after`, whenever an entry is stored whole or names this field too."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        entry: Any = model_instance
        if not {"before", "after"} & entry.get_deferred_fields():
            setattr(entry, self.attname, teaser(entry.before, entry.after))
        return super().pre_save(model_instance, add)


def teaser(before: dict[str, Any] | None, after: dict[str, Any] | None) -> Teaser:
    """The first line that went and the first that came, of SQL; else the first field that has another value."""
    before, after = before or {}, after or {}
    old, new = before.get("query"), after.get("query")
    if isinstance(old, str) and isinstance(new, str):
        return _of_texts(old, new)
    both = before.keys() & after.keys()
    changes = differing({name: before[name] for name in both}, {name: after[name] for name in both})
    return [("", _short(f"{one.name}: {one.before} → {one.after}")) for one in changes[:1]]


def _of_texts(old: str, new: str) -> Teaser:
    gone, came = _between(_lines(old), _lines(new))
    told: Teaser = [("-", _short(line)) for line in gone[:1]]
    return [*told, *(("+", _short(line)) for line in came[:1])]


def _lines(text: str) -> list[str]:
    return [line for each in text.splitlines() if (line := " ".join(each.split()))]


def _between(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """What is left of both without the lines that they begin and end with in common."""
    shorter = min(len(old), len(new))
    start = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    end = next((at for at in range(shorter - start) if old[-1 - at] != new[-1 - at]), shorter - start)
    return old[start : len(old) - end], new[start : len(new) - end]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
