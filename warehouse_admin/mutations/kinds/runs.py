"""Start or stop one run of a view. PostHog accepts and promises nothing, so nothing is read back."""

from __future__ import annotations

from collections.abc import Callable

from warehouse_admin.mutations.kinds.base import (
    Kind,
    Live,
    Request,
    Standing,
    always_base,
    check_view,
    looking,
    part,
    path_of,
    read_view,
)
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import writes
from warehouse_admin.posthog.client import Client


def _act(action: str) -> Callable[[Mutation, Live], Request]:
    def request(mutation: Mutation, live: Live) -> Request:
        return Request("POST", path_of(mutation, action), {})

    return request


def _write_run(client: Client, mutation: Mutation, live: Live) -> Live:
    writes.run(client, mutation.object_id)
    return None


def _write_cancel(client: Client, mutation: Mutation, live: Live) -> Live:
    writes.cancel(client, mutation.object_id)
    return None


def _judge_run(mutation: Mutation, live: Live) -> Standing:
    """A run that was not there before is ours as far as anybody can tell; none proves nothing, for runs start late."""
    before = mutation.before or {}
    if live is None:
        return Standing.UNTOLD
    started = live.raw.get("last_run_at") != before.get("last_run_at")
    started = started or (live.status == "Running" and before.get("status") != "Running")
    return Standing.DONE if started else Standing.UNTOLD


def _judge_cancel(mutation: Mutation, live: Live) -> Standing:
    was = (mutation.before or {}).get("status")
    stopped = live is not None and live.status == "Cancelled" and was != "Cancelled"
    return Standing.DONE if stopped else Standing.UNTOLD


RUN = Kind(
    action="saved_query.run",
    target="saved_query",
    capability="run",
    locks=False,
    reads_back=False,
    check=check_view,
    read=read_view,
    standing=always_base,
    request=_act("run"),
    write=_write_run,
    look=looking(_judge_run),
    judge=_judge_run,
    shown=part("name", "status", "last_run_at"),
)
CANCEL = Kind(
    action="saved_query.cancel",
    target="saved_query",
    capability="cancel",
    locks=False,
    reads_back=False,
    check=check_view,
    read=read_view,
    standing=always_base,
    request=_act("cancel"),
    write=_write_cancel,
    look=looking(_judge_cancel),
    judge=_judge_cancel,
    shown=part("name", "status", "last_run_at"),
)
