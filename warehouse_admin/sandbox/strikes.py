"""Answering one API request, with whatever fault is due to strike it."""

from __future__ import annotations

import threading

from .errors import forbidden, framework, not_found, throttled, unhandled
from .faults import Fault
from .messages import Request, Response
from .routing import dispatch
from .world import World

UNAVAILABLE = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body>upstream</body></html>"
REFUSALS = {
    402: framework(402, "validation_error", "payment_required", "This feature is part of a paid plan."),
    403: forbidden("API key missing required scope 'activity_log:read'"),
    404: not_found("Endpoint not found."),
}
SIGN_IN = b"<!DOCTYPE html><html><head><title>PostHog</title></head><body><div id='root'></div></body></html>"


def answer(world: World, request: Request, stopping: threading.Event) -> Response | None:
    """The response, or None where the connection just ends."""
    fault = request.fault = world.faults.take(request.method, request.path, request.query, request.body)
    if world.latency:
        stopping.wait(world.latency)
    if fault is None:
        return _act(world, request)
    if fault.kind == "slow" and fault.options.get("when", "before") == "before":
        stopping.wait(float(fault.options.get("seconds", 1)))
    if fault.kind == "drop_before":
        return None
    early = _instead(fault)
    if early is not None and not fault.options.get("act"):
        return early
    _prepare(world, request, fault)
    response = _act(world, request)
    if fault.kind == "slow" and fault.options.get("when") == "after":
        stopping.wait(float(fault.options.get("seconds", 1)))
    if fault.kind == "drop_after":
        return None
    if fault.kind == "truncated":
        return _truncated(response, fault)
    return early or response


def _act(world: World, request: Request) -> Response:
    with world.lock:
        world.tick()
        return dispatch(world, request)


def _instead(fault: Fault) -> Response | None:
    """The answer this fault puts in place of the real one."""
    options = fault.options
    if fault.kind == "status_429":
        seconds = options.get("retry_after")
        error = throttled(None if seconds is None else int(seconds))
        return Response(error.status, error.body, dict(error.headers))
    if fault.kind == "refuse":
        refusal = REFUSALS[int(options.get("status", 402))]
        return Response(refusal.status, refusal.body)
    if fault.kind == "status_500":
        return Response(500, unhandled().body)
    if fault.kind == "status_503_html":
        return Response(503, raw=UNAVAILABLE, content_type="text/html")
    if fault.kind == "html_200":
        return Response(200, raw=SIGN_IN, content_type="text/html; charset=utf-8")
    if fault.kind == "empty_200":
        return Response(200)
    if fault.kind == "redirect":
        return Response(302, headers={"Location": str(options.get("location", "https://login.example/sign-in"))})
    return None


def _prepare(world: World, request: Request, fault: Fault) -> None:
    """Faults that change the world before the request is answered."""
    with world.lock:
        if fault.kind == "revoke_key":
            value = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
            if value in world.keys:
                world.revoke_key(value)
        elif fault.kind == "shift" and int(fault.options.get("by", 1)) > 0:
            world.create_outside(f"arrived_meanwhile_{fault.struck}_{world.new_id()[:8]}", "SELECT 1 AS one")
        elif fault.kind == "shift":
            listed = (view for view in world.newest_views() if view.origin != "endpoint")
            world.delete_outside(next(listed).name)


def _truncated(response: Response, fault: Fault) -> Response:
    payload = response.payload()
    cut = Response(response.status, headers=response.headers, raw=payload[: len(payload) // 2])
    if fault.options.get("length", "cut") == "full":
        cut.claimed_length = len(payload)
    return cut
