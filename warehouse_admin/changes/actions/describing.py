"""Changing what newer servers keep of a view beside its SQL: its description, and its folder."""

from __future__ import annotations

from typing import Any

from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes import texts
from warehouse_admin.changes.actions.base import KEPT, Action, Consequences, Facts, Inverse, Row, Subject, required
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import Observation, SavedQuery
from warehouse_admin.mutations.models import Mutation

LONGEST = 10_000
NO_GUARD = (
    "PostHog guards this with no token: what somebody writes in the very same moment is overwritten. The query, its "
    "columns and its schedule stay as they are."
)


class SetDescription(Action):
    name = ChangeRequest.Action.SET_DESCRIPTION
    kind = Mutation.Kind.SET_DESCRIPTION
    did = Observation.Kind.DESCRIBED
    capability = "describe"
    fields = ("description",)
    kept = (*KEPT, "description")
    label = "Describe"
    menu_label = "Set description"
    icon = "message"

    def clean(self, connection: Connection, values: Facts, view: SavedQuery | None) -> Facts:
        required(values, "description")
        text = texts.storable(str(values["description"])).replace("\r\n", "\n").strip()
        if len(text) > LONGEST:
            wrong = f"At most {LONGEST:,} characters, please; these are {len(text):,}."
            raise InvalidInput(wrong, errors={"description": [wrong]})
        return {"description": text}

    def title(self, name: str, proposal: Facts) -> str:
        return f"Describe {name}" if proposal["description"] else f"Clear the description of {name}"

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        held = subject.base.get("description") or ""
        return "This is its description already." if proposal["description"] == held else ""

    def relevant(self, base: Facts) -> Any:
        return base.get("description") or ""

    def moved(self, base: Facts, now: Facts) -> str:
        return "Somebody changed the description in PostHog since."

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        held = subject.base.get("description") or None
        return [Row("Description", held, proposal["description"] or None)] if held or proposal["description"] else []

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        return Consequences([NO_GUARD])

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        if "description" not in before:
            return Inverse(impossible="Its former description was not recorded, so it cannot be restored.")
        return Inverse(ChangeRequest.Action.SET_DESCRIPTION, {"description": before["description"] or ""})


class MoveToFolder(Action):
    name = ChangeRequest.Action.MOVE_TO_FOLDER
    kind = Mutation.Kind.MOVE_TO_FOLDER
    did = Observation.Kind.FILED
    capability = "file"
    fields = ("folder_id",)
    kept = (*KEPT, "folder_id", "folder_name")
    label = "Move"
    menu_label = "Move to folder"
    icon = "layers"

    def clean(self, connection: Connection, values: Facts, view: SavedQuery | None) -> Facts:
        """An empty id is no folder. The name goes with the proposal, so that reviewers see what it was called."""
        required(values, "folder_id")
        wanted = str(values["folder_id"]).strip().lower()
        known = {folder.posthog_id: folder.name for folder in mirror.folders_of(connection)}
        if wanted and wanted not in known:
            told = "Choose one of its folders, or none" if known else "The mirror knows of no folder there"
            wrong = f"{told}. Folders are made in PostHog, and known here after the next sync."
            raise InvalidInput(wrong, errors={"folder_id": [wrong]})
        return {"folder_id": wanted, "folder_name": known.get(wanted, "")}

    def title(self, name: str, proposal: Facts) -> str:
        folder = proposal["folder_name"]
        return f"Move {name} to {folder}" if folder else f"Take {name} out of its folder"

    def nothing_to_do(self, subject: Subject, proposal: Facts) -> str:
        if proposal["folder_id"] != (subject.base.get("folder_id") or ""):
            return ""
        return "It is in this folder already." if proposal["folder_id"] else "It is in no folder already."

    def relevant(self, base: Facts) -> Any:
        return base.get("folder_id") or ""

    def moved(self, base: Facts, now: Facts) -> str:
        folder = now.get("folder_name") or now.get("folder_id")
        return f"It is in the folder {folder} in PostHog by now." if folder else "It is in no folder in PostHog by now."

    def rows(self, subject: Subject, proposal: Facts) -> list[Row]:
        held = subject.base.get("folder_name") or subject.base.get("folder_id") or None
        return [Row("Folder", held, proposal["folder_name"] or None)] if held or proposal["folder_name"] else []

    def consequences(self, subject: Subject, proposal: Facts) -> Consequences:
        warning = "Whoever deletes a folder in PostHog deletes the views in it."
        return Consequences([NO_GUARD, warning] if proposal["folder_id"] else [NO_GUARD])

    def payload(self, proposal: Facts) -> Facts:
        return {"folder_id": proposal["folder_id"] or None}

    def inverse(self, before: Facts, proposal: Facts, generation: str) -> Inverse:
        if "folder_id" not in before:
            return Inverse(impossible="Its former folder was not recorded, so it cannot be restored.")
        return Inverse(ChangeRequest.Action.MOVE_TO_FOLDER, {"folder_id": before["folder_id"] or ""})
