"""Settle every write to PostHog whose answer never came."""

from __future__ import annotations

from typing import Any

from warehouse_admin.changes import services as changes
from warehouse_admin.interviews import services as interviews
from warehouse_admin.management.base import PortalCommand
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation


class Command(PortalCommand):
    help = "Read PostHog and decide about every unconfirmed write; then take on what waits for them."

    def run(self, **options: Any) -> dict[str, Any]:
        waiting = list(Mutation.objects.filter(state__in=(Mutation.State.SENDING, Mutation.State.UNCONFIRMED)))
        settled = mutations.settle_due(everything=True)
        moved = changes.settle_open()
        interviews.tend()
        for mutation in waiting:
            mutation.refresh_from_db()
            said = mutation.remote.get("said") or mutation.error
            self.say(f"{mutation.object_name} {mutation.kind}: {mutation.state}. {said}")
        left = Mutation.objects.filter(state=Mutation.State.UNCONFIRMED).count()
        self.say(f"{settled} settled, {left} still unconfirmed, {moved} changes moved on.")
        return {"settled": settled, "unconfirmed": left, "changes": moved}
