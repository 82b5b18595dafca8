"""Between the portal and its PostHog: every write is looked at on its way out, and meets the trouble planned for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.changes.machine.stage import Killed, Stage
from warehouse_admin.posthog import errors
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.queries import QUERY
from warehouse_admin.sandbox.faults import Fault

TROUBLE: dict[str, dict[str, Any]] = {
    "drop_before": {},
    "drop_after": {},
    "status_500": {"act": True},
    "status_503_html": {"act": True},
    "html_200": {"act": True},
    "empty_200": {"act": True},
    "truncated": {"length": "full"},
    "status_429": {"retry_after": 100},
    "refuse": {"status": 403},
    "revoke_key": {},
}
OTHERWISE = ("late", "lost", "unreachable", "killed before", "killed after", "edited meanwhile", "refused 500")
PLANS = (*TROUBLE, *OTHERWISE)


@dataclass
class Write:
    """One write that left the portal. `came` is whether PostHog got it, `landed` whether it changed anything."""

    mutation: str
    method: str
    path: str
    came: bool = False
    landed: bool = False
    status: int | None = None
    answered: bool = False


class Network:
    """Stands where the client speaks; `ledger` is told of each write before it leaves."""

    def __init__(self, stage: Stage, on_write: Callable[[str, str, Any], str]) -> None:
        self.stage, self.world = stage, stage.world
        self.writes: list[Write] = []
        self.plan = ""
        self.on_write = on_write
        self._late: list[tuple[Write, Callable[[], Any]]] = []
        real = Client.request
        self.stage.patch.setattr(
            Client, "request", lambda client, method, path, **how: self._request(real, client, method, path, how)
        )

    def _request(self, real: Callable, client: Client, method: str, path: str, how: dict[str, Any]) -> Any:
        def call() -> Any:
            return real(client, method, path, **how)

        if method == "GET" or path == QUERY:
            return call()
        write = Write(self.on_write(method, path, how.get("json")), method, path)
        self.writes.append(write)
        plan, self.plan = self.plan, ""
        if plan in ("late", "lost", "unreachable", "killed before"):
            return self._not_now(plan, write, call)
        if plan == "edited meanwhile":
            self._edit(path)
        elif plan == "refused 500":
            self.world.faults.add(Fault("status_500", method))
        elif plan in TROUBLE:
            self.world.faults.add(Fault(plan, method, **TROUBLE[plan]))
        answer = self._carry(write, call)
        if plan == "killed after":
            raise Killed
        return answer

    def _carry(self, write: Write, call: Callable[[], Any]) -> Any:
        before = self.world.writes()
        write.came = True
        try:
            answer = call()
            write.answered = True
            return answer
        except errors.PostHogError as error:
            write.status = error.status
            raise
        finally:
            write.landed = self.world.writes() > before

    def _not_now(self, plan: str, write: Write, call: Callable[[], Any]) -> Any:
        if plan == "killed before":
            raise Killed
        if plan == "unreachable":
            self.writes.remove(write)  # it never left
            raise errors.NotSent("no route to host", method=write.method, path=write.path, sent=False)
        if plan == "late":
            self._late.append((write, call))
        raise errors.Unreachable("no answer", method=write.method, path=write.path)

    def _edit(self, path: str) -> None:
        """Somebody edits the view between our look and our write."""
        view = next((view for view in self.world.newest_views() if view.id in path), None)
        if view is not None:
            self.world.edit_outside(view.id, f"{view.sql}\n-- {len(self.writes)}")

    def arrive(self) -> None:
        """What was slow on its way comes to PostHog now."""
        while self._late:
            write, call = self._late.pop(0)
            try:
                self._carry(write, call)
            except errors.PostHogError:
                continue
