"""The mirror beside a bare loop and dlt: first sync, nothing changed, ten changed, under a limit, and its memory."""

from __future__ import annotations

from tests.bench.mirror.contenders import Measured, bare_loop, dlt, portal
from tests.bench.mirror.server import serving

VIEWS, MANY_VIEWS, CHANGED = 10_000, 20_000, 10
PER_MINUTE, MINUTES = 480, 3
ROUNDS = 2
"""Of each contender's first load, in turn, and of what takes a second or two; the quickest counts: noise only slows."""


def run_speed() -> None:
    """First load and the ones after it, at 20 ms an answer and eight requests at a time."""
    with serving(VIEWS) as server:
        bare = [bare_loop(server)]
        with portal(server) as ours, dlt(server) as theirs:
            first, loaded = [ours.sync()], theirs.load()
            again, reloaded = min((ours.sync() for _ in range(ROUNDS)), key=_seconds), theirs.load()
            server.edit(CHANGED)
            ten = ours.sync()
        for _round in range(ROUNDS - 1):
            bare.append(bare_loop(server))
            with portal(server) as fresh:
                first.append(fresh.sync())
    loop, mirror = min(bare, key=_seconds), min(first, key=_seconds)
    print(f"{VIEWS:,} views{'':21}{'seconds':>9}{'CPU s':>8}{'requests':>10}{'peak MB':>9}")
    for name, one in (
        ("bare loop", loop),
        ("portal, first sync", mirror),
        ("dlt, first load", loaded),
        ("portal, nothing changed", again),
        ("dlt, nothing changed", reloaded),
        (f"portal, {CHANGED} changed", ten),
    ):
        print(f"{name:32}{one.seconds:9.1f}{one.cpu:8.1f}{one.requests:10,}{one.peak_mb:9.0f}")
    ratio, quicker = mirror.seconds / loop.seconds, reloaded.seconds / again.seconds
    _target("first sync / bare loop", f"{ratio:.2f}", "at most 1.15", ratio <= 1.15)
    _target("first load of dlt / bare loop", f"{loaded.seconds / loop.seconds:.2f}")
    memory = mirror.peak_mb / loaded.peak_mb
    _target("memory of the first sync / dlt's", f"{memory:.2f}", "at most 0.5", memory <= 0.5)
    _target("nothing changed: requests", str(again.requests), "at most 15", again.requests <= 15)
    _target("nothing changed: CPU seconds", f"{again.cpu:.1f}", "at most 5", again.cpu <= 5)
    _target("nothing changed: quicker than dlt", f"{quicker:.0f} x", "at least 20 x", quicker >= 20)
    _target("ten changed: requests", str(ten.requests), f"at most {15 + CHANGED}", ten.requests <= 15 + CHANGED)


def run_limit() -> None:
    """A first sync under a limit of the server's that is all ours: how much of it is used, and is any answer a 429?"""
    allowed = PER_MINUTE * MINUTES
    with serving(allowed, per_minute=PER_MINUTE) as server, portal(server, per_minute=PER_MINUTE) as ours:
        server.counts()
        one = ours.sync(counted=False)
        used, refused = server.in_first_minutes(MINUTES), server.counts()["refused"]
    print(f"{used:,} of {allowed:,} requests in {MINUTES} minutes; the whole sync took {one.seconds:.0f} s")
    _target("share of the allowed rate used", f"{used / allowed:.1%}", "at least 95 %", used / allowed >= 0.95)
    _target("answers of 429", str(refused), "none", refused == 0)


def run_memory() -> None:
    """The worker of `make run` while it mirrors a large warehouse for the first time."""
    with serving(MANY_VIEWS, latency_ms=0) as server, portal(server) as ours:
        peak = ours.sync_by_worker()
    _target(f"peak of the worker at {MANY_VIEWS:,} views", f"{peak:.0f} MB", "at most 200 MB", peak <= 200)


def _seconds(one: Measured) -> float:
    return one.seconds


def _target(what: str, found: str, target: str = "", met: bool = True) -> None:
    print(f"{what:40}{found:>10}" + (f"   {'ok' if met else 'MISSED'} ({target})" if target else ""))
