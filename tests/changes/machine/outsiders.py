"""People who work in PostHog itself."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from tests.changes.machine.approval import BREAKING
from tests.changes.machine.players import Players
from tests.changes.machine.words import LAYOUTS, text
from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.sandbox.errors import ApiError

MOST_VIEWS = 12
HANDS = ("edit", "edit", "edit", "layout", "layout", "rename", "delete", "recreate", "cadence", "table", "no table")


class Outsiders(Players):
    """What they do to a view, and the mirror that comes to see it."""

    def get_in_the_way(self, change: ChangeRequest, pick: int) -> None:
        """Somebody does what an approval of this change is not given for, after reviewers have seen it."""
        numbers = (pick % 3, 1, pick // 3 % 3)
        view = change.saved_query
        if change.action != "edit_query":
            self.build_on(change, numbers)
        elif pick % 4 == 1 and view and str(view.posthog_id) in self.stage.world.views:
            self.meddle(str(view.posthog_id), "edit", numbers, 0)

    def build_on(self, change: ChangeRequest, numbers: tuple = (1, 1, 1)) -> None:
        """Somebody comes to read from what a change takes away, after it was shown to reviewers."""
        world = self.stage.world
        view = world.views.get(str(change.saved_query.posthog_id)) if change.saved_query else None
        if change.action in BREAKING and view and not view.deleted and len(world.newest_views()) < MOST_VIEWS:
            name = f"uses_{len(world.views)}"
            world.create_outside(name, text(numbers, source=view.name))
            self.told.append(f"outside: {name} selects from {view.name}")
            self.mirror("incremental")

    def mirror(self, kind: str) -> None:
        def sync() -> None:
            with suppress(UserError):
                run = mirror.start_sync(connection=Connection.objects.get(), kind=kind, queue=False)
                mirror.run_sync(run.pk)

        self.until_killed(f"{kind} sync", sync)
        silent = datetime.now(UTC) - timedelta(minutes=2)  # the database's own clock, which nobody here moves
        SyncRun.objects.filter(state__in=SyncRun.OPEN).update(heartbeat_at=silent)

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
