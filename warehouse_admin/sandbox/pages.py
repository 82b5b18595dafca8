"""The switches outside /api: a small page and the JSON calls behind it, for the person who gives the demonstration."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .errors import ApiError, invalid
from .faults import KINDS, Fault
from .generations import GENERATIONS
from .messages import Request, Response
from .models import View
from .world import World

Body = dict[str, Any]
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def answer(world: World, request: Request) -> Response:
    """Answer a request under /sandbox/; forms come back to the page, JSON callers get JSON."""
    if not _from_here(request):
        return Response(403, {"error": "The switches answer only to this machine."})
    path = request.path.rstrip("/")
    if request.method == "GET" and path == "/sandbox":
        with world.lock:
            world.tick()
            return Response(200, raw=_page(world).encode(), content_type="text/html; charset=utf-8")
    is_form = _is_form(request)
    try:
        body = dict(parse_qsl(request.body.decode())) if is_form else request.json()
        with world.lock:
            world.tick()
            result = _switch(world, request.method, path, body)
    except ApiError as error:
        return Response(error.status, error.body)
    except (KeyError, ValueError, TypeError) as error:
        return Response(400, {"error": str(error).strip("'\"")})
    return Response(303, headers={"Location": "/sandbox/"}) if is_form else Response(200, result)


def _is_form(request: Request) -> bool:
    """Sent by the page; `curl -d` claims to be a form too, but what it sends is JSON."""
    claims = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return claims and not request.body.lstrip().startswith(b"{")


def _from_here(request: Request) -> bool:
    """No other site's page may press our switches through a browser."""
    origin = request.headers.get("origin")
    hosts = [urlsplit(request.base_url).hostname, urlsplit(origin).hostname if origin else "localhost"]
    return all(host in LOOPBACK for host in hosts)


def _switch(world: World, method: str, path: str, body: Body) -> Any:
    if path == "/sandbox/state" and method == "GET":
        return world.summary()
    if path == "/sandbox/faults":
        return _faults(world, method, body)
    if method != "POST":
        raise invalid("POST here.")
    if path.startswith("/sandbox/outside/"):
        return _outside(world, path.removeprefix("/sandbox/outside/"), body)
    setting = SETTINGS.get(path)
    if setting is None:
        raise invalid(f"No such switch: {path}")
    setting(world, body)
    return world.summary()


def _faults(world: World, method: str, body: Body) -> Any:
    if method == "POST" and body.get("kind") == "none":
        world.faults.clear()
    elif method == "POST":
        options = {name: value for name, value in body.items() if value != ""}
        times = options.pop("times", 1)
        after = int(options.pop("after", 0))
        for name in ("seconds", "keep", "retry_after", "by"):
            if name in options:
                options[name] = float(options[name])
        world.faults.add(Fault(times=None if times is None else int(times), after=after, **options))
    elif method == "DELETE":
        world.faults.clear()
    return {"faults": world.faults.list()}


def _outside(world: World, verb: str, body: Body) -> Any:
    name, by = str(body.get("name", "")), str(body.get("by") or "ana")
    hands: dict[str, Callable[[], View]] = {
        "edit": lambda: world.edit_outside(name, _text(body, "query"), by),
        "create": lambda: world.create_outside(name, _text(body, "query"), by),
        "rename": lambda: world.rename_outside(name, _text(body, "new_name"), by),
        "delete": lambda: world.delete_outside(name, by),
        "hide": lambda: world.hide_outside(name, by),
        "materialize": lambda: world.materialize_outside(name, str(body.get("sync_frequency") or "24hour"), by),
        "unmaterialize": lambda: world.unmaterialize_outside(name, by),
        "cadence": lambda: world.set_cadence_outside(name, _text(body, "sync_frequency"), by),
        "pause": lambda: world.pause(name, by),
        "suspend": lambda: world.suspend(name, keeps_failing=bool(body.get("keeps_failing"))),
        "fail": lambda: world.fail_next_run(name),
        "run": lambda: world.run_outside(name),
    }
    if verb not in hands:
        raise invalid(f"No such hand: {verb}; there are {', '.join(hands)}")
    view = hands[verb]()
    return {"id": view.id, "name": view.name}


def _text(body: Body, field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise invalid("This field is required.", field, "required")
    return value


def _set_generation(world: World, body: Body) -> None:
    if body.get("generation") not in GENERATIONS:
        raise invalid(f"One of {', '.join(GENERATIONS)}.", "generation")
    world.set_generation(body["generation"])


def _set_rate(world: World, body: Body) -> None:
    minute = body.get("per_minute")
    world.rate = (int(minute), int(body.get("per_hour") or 4800)) if minute else None


def _set_latency(world: World, body: Body) -> None:
    world.latency = max(0.0, float(body.get("milliseconds") or 0) / 1000)


VERBS = ("run", "fail", "suspend", "pause", "hide", "materialize", "unmaterialize")
"""The hands of the page that need nothing but a view."""

SETTINGS: dict[str, Callable[[World, Body], None]] = {
    "/sandbox/clock": lambda world, body: world.advance(float(body["advance_seconds"])),
    "/sandbox/generation": _set_generation,
    "/sandbox/rate": _set_rate,
    "/sandbox/latency": _set_latency,
}


def _form(action: str, label: str, fields: str) -> str:
    return f'<form method="post" action="/sandbox/{action}">{fields} <button>{label}</button></form>'


def _choice(name: str, options: list[str], chosen: str = "") -> str:
    rows = "".join(f"<option{' selected' if o == chosen else ''}>{escape(o)}</option>" for o in options)
    return f'<label>{name} <select name="{name}">{rows}</select></label>'


def _field(name: str, value: str = "") -> str:
    return f'<label>{name} <input name="{name}" value="{escape(value)}"></label>'


def _page(world: World) -> str:
    names = sorted(view.name for view in world.live_views())[:500]
    view = _choice("name", names)
    query = '<label>query <textarea name="query" rows="3" cols="60"></textarea></label>'
    struck = "".join(f"<li>{escape(str(fault))}</li>" for fault in world.faults.list()) or "<li>none</li>"
    forms = [
        "<h2>Another person, in PostHog itself</h2>",
        _form("outside/edit", "Edit", view + query + _choice("by", ["ana", "ben", "chiara", "dmitri"])),
        _form("outside/create", "Create", _field("name") + query),
        _form("outside/rename", "Rename", view + _field("new_name")),
        _form("outside/delete", "Delete", view),
        "<h2>Schedules</h2>",
        *(_form(f"outside/{verb}", verb.capitalize(), view) for verb in VERBS),
        "<h2>Time, server, network</h2>",
        _form("clock", "Move time", _field("advance_seconds", "3600")),
        _form("generation", "Change server", _choice("generation", list(GENERATIONS), world.generation.name)),
        _form("latency", "Slow every answer", _field("milliseconds", "0")),
        _form("rate", "Limit the rate", _field("per_minute") + _field("per_hour")),
        _form("faults", "Strike", _choice("kind", ["none", *KINDS]) + _field("path_regex") + _field("times", "1")),
        f"<p>Waiting to strike:</p><ul>{struck}</ul>",
    ]
    facts = escape(", ".join(f"{name}: {value}" for name, value in world.summary().items() if name != "faults"))
    style = "body{font:15px system-ui;max-width:60em;margin:2em auto}form{margin:.4em 0}label{margin-right:.6em}"
    return (
        f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>PostHog sandbox</title>"
        f"<style>{style}</style></head><body><h1>PostHog sandbox</h1><p>{facts}</p>{''.join(forms)}</body></html>"
    )
