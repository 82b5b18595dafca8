"""What an audit entry is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One object: `type` as the pages call it, `id` the remote uuid where there is one, `name` as people know it."""

    type: str
    id: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        # Callers pass UUIDs and numbers too.
        object.__setattr__(self, "id", str(self.id))
        object.__setattr__(self, "name", str(self.name))
