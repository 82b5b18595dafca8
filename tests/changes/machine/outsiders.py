"""People who work in PostHog itself."""

from __future__ import annotations

from contextlib import suppress

from tests.changes.machine.players import Players
from tests.changes.machine.words import LAYOUTS, text
from warehouse_admin.sandbox.errors import ApiError

HANDS = ("edit", "edit", "edit", "layout", "layout", "rename", "delete", "recreate", "cadence", "table", "no table")


class Outsiders(Players):
    """What they do to a view."""

    def meddle(self, view: str, how: str, numbers: tuple, name: int) -> None:
        world = self.stage.world
        held = world.view(view)
        called = held.name
        if held.deleted:
            return
        free = next(one for one in ("eta", "zeta", "alpha", f"free_{len(self.told)}") if not world.view_by_name(one))
        with suppress(ApiError), world.lock:
            match how:
                case "edit":
                    world.edit_outside(view, text(numbers, LAYOUTS[name]))
                case "layout":
                    world.edit_outside(view, f"{held.sql.replace('SELECT', 'select')}\n-- {name}")
                case "rename":
                    world.rename_outside(view, free)
                case "delete" if len(world.newest_views()) > 4:  # a mirror asks before it believes that all are gone
                    world.delete_outside(view)
                case "recreate":
                    world.delete_outside(view)
                    world.create_outside(called, text(numbers))
                case "cadence":
                    world.set_cadence_outside(view, ["never", "1hour", "6hour", "24hour"][name])
                case "table":
                    world.materialize_outside(view)
                case "no table":
                    world.unmaterialize_outside(view)
        self.told.append(f"outside: {how} {called}")
