"""`python manage.py verify_audit [--from N | --resume]`: is the audit trail what it was?"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from warehouse_admin.audit import checkpoints, sealing, segments, selectors, services, signing
from warehouse_admin.audit.models import Verification
from warehouse_admin.management.base import PortalCommand


class Command(PortalCommand):
    help = "Check the chain of the audit trail and its signed checkpoints, and name the first bad row."

    def add_options(self, parser: ArgumentParser) -> None:
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--from", type=int, default=1, dest="start", metavar="N", help="first entry to check")
        where.add_argument(
            "--resume",
            action="store_true",
            help="go on from the last entry found good, or where a killed check stopped",
        )
        parser.add_argument("--checkpoint", action="store_true", help="sign the end of the chain if all of it is good")
        parser.add_argument(
            "--against", type=Path, metavar="FILE", help="also compare with checkpoints that were downloaded before"
        )
        parser.add_argument(
            "--segment", type=Path, metavar="FILE", help="check a signed segment that was exported, and nothing else"
        )
        parser.add_argument("--new-key", action="store_true", help="retire the key that signed so far")

    def run(self, *, start: int, resume: bool, **options: Any) -> dict[str, Any]:
        if options["segment"]:
            return self._segment(options["segment"])
        if start < 1:
            self.misuse("--from takes the number of an entry, 1 or more.")
        if start > self._longest():
            self.misuse(f"--from: there never was an entry {start}; the trail ends at {selectors.chain_length()}.")
        if options["checkpoint"] and start > 1:
            self.misuse("--checkpoint signs what was checked from the first entry on: leave --from out.")
        copies = self._copies(options["against"]) if options["against"] else None
        if options["new_key"]:
            sealing.rotate_key(actor=None)
        found = services.verify(from_sequence=start, resume=resume)
        told = {"from": found.from_sequence, "verified_to": found.to_sequence, "checkpoints": found.checkpoints}
        if found.bad_sequence is not None:
            self._fail_at(found.problem, found.bad_sequence, found.bad_checkpoint, told)
        if copies and (problem := self._contradicted(copies, options["against"])):
            self._fail_at(problem.text, problem.sequence, problem.checkpoint, told)
        self._say_good(found)
        if options["checkpoint"]:
            made = sealing.seal(found)
            self.say(f"Checkpoint {made.number} signs the chain up to entry {made.sequence}.")
        return {**told, **selectors.kept_apart()}

    def _longest(self) -> int:
        """How long the trail is, or was when it was signed: what was cut off is for the check to tell."""
        signed = selectors.latest_checkpoint()
        return max(selectors.chain_length(), signed.sequence if signed else 0, 1)

    def _segment(self, path: Path) -> dict[str, Any]:
        try:
            with path.open("rb") as lines:
                held = segments.check(lines, signing.public_keys())
        except OSError as error:
            self.misuse(f"{path} cannot be read: {error.strerror}.")
        except segments.BadSegment as error:
            self.fail(f"{path}: {error}")
        self.say(f"All {held['entries']} entries of {path} are as they were signed by the key {held['key_id']}.")
        return {name: held[name] for name in ("entries", "key_id", "sha256", "masked")}

    def _copies(self, path: Path) -> dict[str, Any]:
        try:
            copies = json.loads(path.read_text())
            # As they come from the page and from the API, or one object that was printed by this command.
            return {
                "checkpoints": copies.get("checkpoints") or [copies["checkpoint"]],
                "public_keys": copies["public_keys"],
            }
        except (OSError, ValueError, KeyError, AttributeError) as error:
            self.misuse(f"{path} holds no downloaded checkpoints ({type(error).__name__}).")

    def _contradicted(self, copies: dict[str, Any], path: Path) -> checkpoints.Problem | None:
        try:
            return checkpoints.check_copies(copies["checkpoints"], copies["public_keys"])
        except (TypeError, ValueError, AttributeError, KeyError, ValidationError) as error:
            self.misuse(f"{path} holds no downloaded checkpoints ({type(error).__name__}).")

    def _fail_at(self, problem: str, sequence: int, checkpoint: int | None, told: dict[str, Any]) -> None:
        more = {"bad_checkpoint": checkpoint} if checkpoint else {}
        self.fail(f"{problem} First bad row: {sequence}.", bad_row=sequence, **more, **told)

    def _say_good(self, found: Verification) -> None:
        signed = f", as {found.checkpoints} signed checkpoints say" if found.checkpoints else ""
        if found.to_sequence < found.from_sequence:
            self.say(f"Nothing came since entry {found.to_sequence}, up to which the trail was found whole{signed}.")
            return
        self.say(f"The trail is whole from entry {found.from_sequence} to entry {found.to_sequence}{signed}.")
