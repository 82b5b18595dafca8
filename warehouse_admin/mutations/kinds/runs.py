"""Start or stop one run of a view. PostHog accepts and promises nothing, so nothing is read back."""

from __future__ import annotations

from collections.abc import Callable

from warehouse_admin.mutations.kinds.base import (
    Judge,
    Kind,
    Live,
    Request,
    Standing,
    always_base,
    looking,
    nothing_to_add,
    part,
    path_of,
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


def _note_run(mutation: Mutation, live: Live) -> str:
    """PostHog accepts a second run beside one that is under way, and never begins it."""
    if (mutation.before or {}).get("status") == "Running":
        return "PostHog showed a run under way already, and starts no second one beside it."
    return ""


def _kind(act: str, write: Callable[[Client, Mutation, Live], Live], judge: Judge) -> Kind:
    return Kind(
        action=f"saved_query.{act}",
        capability=act,
        locks=False,
        reads_back=False,
        standing=always_base,
        request=_act(act),
        write=write,
        look=looking(judge),
        judge=judge,
        shown=part("name", "status", "last_run_at"),
        note=_note_run if act == "run" else nothing_to_add,
    )


RUN = _kind("run", _write_run, _judge_run)
CANCEL = _kind("cancel", _write_cancel, _judge_cancel)
