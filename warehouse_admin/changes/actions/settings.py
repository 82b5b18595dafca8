"""Changing one field of a view: its name, or how often it runs."""

from __future__ import annotations

from typing import Any

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes.actions.base import (
    Action,
    Consequences,
    Facts,
    Inverse,
    Row,
    Subject,
    count,
    listed,
    required,
)
from warehouse_admin.changes.actions.names import cautions_about, problem_with
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core import formatting
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.lineage import impact
from warehouse_admin.lineage.impact import Impact
from warehouse_admin.mirror.models import Observation, SavedQuery
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog.cadences import NEVER, SECONDS, offered


def in_words(cadence: str | None) -> str:
    """A cadence for people; an unknown one as it came."""
    if not cadence:
        return "no cadence"
    return "never (paused)" if cadence == NEVER else formatting.cadence(cadence)


class Rename(Action):
    name = ChangeRequest.Action.RENAME
    kind = Mutation.Kind.RENAME
    did = Observation.Kind.RENAMED
    fields = ("name",)
    label = menu_label = "Rename"
    binds_dependents = True
    has_cautions = True

    def clean(self, connection: Connection, values: Facts, view: SavedQuery | None) -> Facts:
        required(values, "name")
        name = str(values["name"]).strip()
        if wrong := problem_with(name, connection, besides=view):
            raise InvalidInput(wrong, errors={"name": [wrong]})
        return {"name": name}

    def title(self, name: str, proposal: Facts) -> str:
        return f"Rename {name} to {proposal['name']}"

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        return "This is its name already." if proposal["name"] == subject.base.get("name") else ""

    def relevant(self, base: Facts) -> Any:
        return base.get("name")

    def moved(self, base: Facts, now: Facts) -> str:
        return f"PostHog calls it {now.get('name')} by now, no longer {base.get('name')}."

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        return [Row("Name", subject.base.get("name"), proposal["name"])]

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        breaks = []
        if names := subject.dependents:
            told = f"{count(len(names), 'view')} select{'s' if len(names) == 1 else ''} from it by its present name"
            breaks.append(f"{told}, which PostHog does not rewrite: {listed(names)}.")
        effects = ["Its id, history and schedule stay. PostHog writes no renames into its own log."]
        lost = ["Queries that others have moved to the new name by then."]
        return Consequences(effects, breaks, lost)

    def impact(self, subject: Subject, proposal: Facts) -> Impact | None:
        return impact.of_removal(subject.view, f"its name becomes {proposal['name']}") if subject.view else None

    def cautions(self, subject: Subject, proposal: Facts) -> list[str]:
        return cautions_about(proposal["name"], subject.connection, besides=subject.view)

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        if not before.get("name"):
            return Inverse(impossible="Its former name was not recorded, so it cannot be restored.")
        lost = ["Queries that others have moved to the new name break."]
        return Inverse(ChangeRequest.Action.RENAME, {"name": before["name"]}, lost)


class SetCadence(Action):
    name = ChangeRequest.Action.SET_CADENCE
    kind = Mutation.Kind.SET_CADENCE
    did = Observation.Kind.CADENCE_CHANGED
    fields = ("sync_frequency",)
    label = "Set cadence of"
    menu_label = "Set cadence"
    icon = "clock"

    def clean(self, connection: Connection, values: Facts, view: SavedQuery | None) -> Facts:
        required(values, "sync_frequency")
        wanted, accepted = values["sync_frequency"], self.cadences(connection.generation)
        if not wanted:
            raise InvalidInput("Choose a cadence.", errors={"sync_frequency": ["Choose a cadence."]})
        if wanted not in accepted:
            wrong = f"This server accepts {', '.join(accepted)}."
            raise InvalidInput(wrong, errors={"sync_frequency": [wrong]})
        return {"sync_frequency": wanted}

    def fits(self, view: SavedQuery) -> bool:
        return bool(view.is_materialized)

    def cadences(self, generation: str) -> tuple[str, ...]:
        return offered(generation)

    def title(self, name: str, proposal: Facts) -> str:
        wanted = proposal["sync_frequency"]
        return f"Pause {name}" if wanted == NEVER else f"Run {name} {in_words(wanted)}"

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        held = subject.base.get("sync_frequency") or NEVER
        if proposal["sync_frequency"] != held:
            return ""
        if held == NEVER:
            return "PostHog shows no cadence for it already, and never leaves nothing else: there is nothing to send."
        return "This is its cadence already."

    def relevant(self, base: Facts) -> Any:
        return base.get("sync_frequency")

    def moved(self, base: Facts, now: Facts) -> str:
        held, found = in_words(base.get("sync_frequency")), in_words(now.get("sync_frequency"))
        return f"Its cadence in PostHog is {found} by now, no longer {held}."

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        held = subject.base.get("sync_frequency")
        return [Row("Cadence", in_words(held) if held else "none", in_words(proposal["sync_frequency"]))]

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        wanted = proposal["sync_frequency"]
        if hopeless := self.hopeless(subject):
            return Consequences(refusal=hopeless)
        if wrong := _out_of_bounds(wanted, subject.base.get("sync_frequency_bounds")):
            return Consequences(refusal=wrong)
        if wanted == NEVER:
            effects = ["Its schedule is paused: its table keeps its rows and grows old."]
            if subject.dependents:
                effects.append(f"{count(len(subject.dependents), 'view')} will read rows that no longer renew.")
        else:
            effects = [f"It runs {in_words(wanted)} from now on; a paused schedule starts again."]
        if subject.generation in ("B", "C"):
            effects.append("PostHog says yes even where the schedule did not follow; the next run is the proof.")
        return Consequences(effects, lost=["Runs that are missed, or made, until it is put back."])

    def hopeless(self, subject: Subject) -> str:
        """A frequency without a schedule never runs on newer servers, and materializes the view on the oldest."""
        if subject.is_materialized:
            return ""
        by_key = accounts.capability(subject.connection, "materialize").state != "no"
        if subject.generation == "A":
            remedy = "Propose that instead." if by_key else "Have somebody do that in PostHog: its API keys may not."
            return f"It is not materialized, and on this server a cadence would materialize it. {remedy}"
        remedy = "Propose to materialize it first." if by_key else "Have somebody materialize it in PostHog first."
        return f"It is not materialized, so a cadence would never run anything. {remedy}"

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        former = before.get("sync_frequency") or NEVER
        lost = ["Runs missed, or made, in between."]
        return Inverse(ChangeRequest.Action.SET_CADENCE, {"sync_frequency": former}, lost)


def _out_of_bounds(wanted: str, bounds: Any) -> str:
    """Newest servers say how often the views around it allow it to run."""
    low, high = (bounds or {}).get("min"), (bounds or {}).get("max")
    edges = [SECONDS.get(str(edge)) for edge in (low, wanted, high)]
    if wanted == NEVER or None in edges or edges == sorted(edges, key=lambda edge: edge or 0):
        return ""
    return f"Given the views around it, PostHog lets it run between {in_words(low)} and {in_words(high)}."
