"""What an action on a view or a table is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.digests import json_digest
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.lineage import impact
from warehouse_admin.lineage.impact import Impact
from warehouse_admin.mirror.models import Observation, SavedQuery, WarehouseTable
from warehouse_admin.mutations.models import Mutation

Facts = dict[str, Any]
KEPT = (
    "id",
    "name",
    "query",
    "latest_history_id",
    "sync_frequency",
    "is_materialized",
    "sync_frequency_bounds",
    "created_at",
    "fetched_at",
)
"""What a revision keeps of the live view."""
Mirrored = SavedQuery | WarehouseTable


@dataclass(frozen=True)
class Subject:
    """What an action is about: the live object as it was read (`base`, empty for a new one) and who selects from it."""

    connection: Connection
    name: str
    base: Facts
    about: Mirrored | None = None
    dependents: list[str] = field(default_factory=list)

    @property
    def view(self) -> SavedQuery | None:
        return self.about if isinstance(self.about, SavedQuery) else None

    @property
    def table(self) -> WarehouseTable | None:
        return self.about if isinstance(self.about, WarehouseTable) else None

    @property
    def generation(self) -> str:
        """A to D; empty while nothing was learned."""
        return self.connection.generation

    @property
    def is_materialized(self) -> bool:
        return bool(self.base.get("is_materialized"))


@dataclass(frozen=True)
class Row:
    """One field as it is and as it will be; None where there is none."""

    label: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Consequences:
    """What follows, in sentences: what happens, what breaks, what no rollback brings back, why it must not be sent."""

    effects: list[str] = field(default_factory=list)
    breaks: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refusal: str = ""


@dataclass(frozen=True)
class Inverse:
    """The change that undoes an applied one; `impossible` says why there is none, `lost` what stays different."""

    action: str = ""
    values: Facts = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    impossible: str = ""


class Action:
    """One thing that can be proposed. `fields` are those of the form and the API; a subclass for each action."""

    name: ClassVar[ChangeRequest.Action]
    kind: ClassVar[Mutation.Kind]
    did: ClassVar[Observation.Kind]  # of a view: what a sync would have seen of it, had it been somebody else's
    of_tables: ClassVar[bool] = False  # whether it is about tables, not views
    makes: ClassVar[bool] = False  # whether its object is not there yet
    kept: ClassVar[tuple[str, ...]] = KEPT
    blamed: ClassVar[str] = ""  # the field at fault when nothing would change; empty: the last
    capability: ClassVar[str] = "write"
    fields: ClassVar[tuple[str, ...]] = ()
    label: ClassVar[str]  # on a button
    icon: ClassVar[str] = "pencil"
    menu_label: ClassVar[str] = ""  # in the menu of a view
    is_danger: ClassVar[bool] = False
    has_cautions: ClassVar[bool] = False  # whether anything of it may deserve a second look
    default_cadence: ClassVar[str] = ""  # what its form begins with, where it has that field
    has_sql: ClassVar[bool] = False
    binds_dependents: ClassVar[bool] = False  # whether a new dependent asks for a new review
    looks_first: ClassVar[str] = (  # for whoever is about to apply it
        "The view is read from PostHog first; nothing is sent if somebody has changed it since."
    )

    def fits(self, view: Any) -> bool:
        """Whether it makes sense for an object as it is."""
        return True

    def clean(self, connection: Connection, values: Facts, view: Any) -> Facts:
        """The proposal, from what was sent about a view or table; raises InvalidInput naming every field at fault."""
        return {}

    def cadences(self, generation: str) -> tuple[str, ...]:
        """The values that `sync_frequency` may have, where the action has that field."""
        return ()

    def title(self, name: str, proposal: Facts) -> str:
        """What it does, in a few words."""
        return f"{self.label} {name}"

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        """Why the live view needs no such change, in a sentence; empty when it differs."""
        return ""

    def seen(self, base: Facts) -> str:
        """A digest of the part of the live view that the proposal was written against."""
        return json_digest(self.relevant(base))

    def relevant(self, base: Facts) -> Any:
        """The part of the live view whose move makes a new review necessary."""
        return None

    def moved(self, base: Facts, now: Facts) -> str:
        """What PostHog holds otherwise by `now`, in a sentence; asked only where the relevant part has moved."""
        return "PostHog holds something else by now."

    def meaning(self, base: Facts, proposal: Facts) -> str:
        """A digest of what the change does: equal for two proposals only if one vote may count for both."""
        return json_digest([self.name, self.relevant(base), proposal])

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        """The fields that change."""
        return []

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        return Consequences()

    def impact(self, subject: Subject, proposal: Facts) -> Impact | None:
        """What it does to everything that reads the object; None where there is none yet. It may parse SQL."""
        return impact.unchanged(subject.about) if subject.about else None

    def hopeless(self, subject: Subject) -> str:
        """Why PostHog refuses this whatever is chosen, in a sentence; empty where that depends on what is chosen."""
        return ""

    def cautions(self, subject: Subject, proposal: Facts) -> list[str]:
        """What is legal and deserves a second look, in sentences; may parse the SQL, so not for every row of a list."""
        return []

    def payload(self, proposal: Facts) -> Facts:
        """What the gate is asked for."""
        return dict(proposal)

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        """How to undo it, from what PostHog held right before."""
        raise NotImplementedError


def required(values: Facts, *names: str) -> None:
    """Raise for what the action cannot do without."""
    missing = {name: ["This field is required."] for name in names if values.get(name) is None}
    if missing:
        raise InvalidInput(f"{', '.join(missing)}: this field is required.", errors=missing)


def count(many: int, noun: str) -> str:
    """`1 view`, `3 views`."""
    return f"{many:,} {noun}{'' if many == 1 else 's'}"


def listed(names: list[str], most: int = 5) -> str:
    """Names for a sentence, cut after a few."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
