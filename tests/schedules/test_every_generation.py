"""Three of twenty ids ignored, two failing again, one answer lost, the worker killed: the report is exactly right."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.schedules.conftest import work
from tests.syncing import sync
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations import send
from warehouse_admin.mutations import services as mutations
from warehouse_admin.sandbox import actions
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import plan, records, report, services
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db
Begin = Callable[..., Campaign]
Outcomes = Callable[[Campaign], dict[str, str]]
Generation = Callable[[str], Connection]

TOLD = {"suspended": {"clickhouse": {"at": None}}, "schedule_state": "suspended"}
UNTOLD = {"suspended": None, "schedule_state": "suspended", "sync_frequency": "", "last_cadence": "6hour"}


class Killed(BaseException):
    """The worker is gone between one statement and the next."""


@dataclass
class Scene:
    """Twenty suspended views on one server, and what that server will do with each of them."""

    connection: Connection
    sandbox: SandboxServer
    names: list[str]
    ignored: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)

    @property
    def tells(self) -> bool:
        return self.connection.generation == "D"

    def sent(self) -> Counter[str]:
        """How often each view was sent, by PostHog's own log of requests."""
        world, ids = self.sandbox.world, {self.sandbox.world.view(name).id: name for name in self.names}
        calls = [key for sent in world.requests_to("resume_schedules") for key in sent.body["view_ids"]]
        calls += [sent.path.rstrip("/").rpartition("/")[2] for sent in world.requests_to("saved_queries", "PATCH")]
        return Counter(ids[key] for key in calls)

    def truth(self, name: str) -> str:
        """What became of a view, by the state of the server alone."""
        view, jobs = self.sandbox.world.view(name), self.sandbox.world.jobs
        if self.tells:
            return "resumed" if not view.suspended else "failed_again" if name in self.again else "ignored"
        if view.schedule.paused:
            return "ignored"
        return {"Completed": "resumed", "Failed": "failed_again"}[jobs[view.id][-1].status]


@pytest.fixture
def scene(
    request: pytest.FixtureRequest, generation: Generation, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> Scene:
    connection = generation(request.param)
    own = SavedQuery.objects.present().filter(is_materialized=True, managed_viewset_kind="")
    own = own.filter(origin__in=["", "data_warehouse"])
    names = list(own.exclude(sync_frequency="").order_by("name").values_list("name", flat=True)[:20])
    assert len(names) == 20
    for name in names:
        sandbox.world.suspend(name)
        sandbox.world.view(name).schedule.interval = 6 * 3600
    scene = Scene(connection, sandbox, names)
    SavedQuery.objects.filter(name__in=names).update(**(TOLD if scene.tells else UNTOLD))
    monkeypatch.setattr(plan, "CHUNK", 5)
    _make_stubborn(scene, monkeypatch)
    return scene


def _make_stubborn(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server takes everything, and does nothing about the schedules of those that it ignores."""
    runner = scene.sandbox.world.runner
    clear, follows = actions._clear_suspension, {name: getattr(runner, name) for name in ("unpause", "set_interval")}

    def follow(verb: str) -> Callable[..., None]:
        return lambda view, *more: None if view.name in scene.ignored else follows[verb](view, *more)

    def clear_unless_ignored(world: object, view: object) -> bool:
        if view.name in scene.ignored or not clear(world, view):
            return False
        if view.name in scene.again:
            scene.sandbox.world.clock.advance(1)
            runner.suspend(view, "still broken", scene.sandbox.world.now())
        return True

    for verb in follows:
        monkeypatch.setattr(runner, verb, follow(verb))
    monkeypatch.setattr(actions, "_clear_suspension", clear_unless_ignored)


def start(scene: Scene, begin: Begin) -> Campaign:
    """In the way that works there; one view that is ignored is in the call that the worker dies on, one in the lost."""
    method = "restore_cadence" if scene.connection.generation in "AB" else "resume_schedules"
    more = {"confirm_count": len(scene.names), "plan": plan.Plan(stop_percent=100), "method": method}
    campaign = begin("resume", *scene.names, **more)
    order = list(campaign.items.order_by("position").values_list("saved_query__name", flat=True))
    scene.ignored, scene.again = {order[0], order[10], order[19]}, {order[1], order[11]}
    for name in scene.again:
        scene.sandbox.world.view(name).failing = "still broken"
    lost = 10 if method == "restore_cadence" else 2
    scene.sandbox.world.faults.add(Fault("drop_after", "PATCH" if lost == 10 else "POST", "saved_queries", after=lost))
    return campaign


def kill_between_send_and_record(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(send, "conclude", _die)
        with pytest.raises(Killed):
            services.run_campaign(campaign.pk)


def _die(*args: object, **kwargs: object) -> None:
    raise Killed


def as_time_passes(campaign: Campaign) -> Campaign:
    """What the beat does once a killed worker's claim and its request have had their time."""
    for seconds in (75, 110, 140):
        with time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=True):
            mutations.settle_due()
            services.follow()
    campaign.refresh_from_db()
    return campaign


@pytest.mark.parametrize("killed", [False, True], ids=["worker lives", "worker killed"])
@pytest.mark.parametrize("scene", "ABCD", indirect=True)
def test_the_report_is_exactly_right(
    scene: Scene, begin: Begin, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    campaign = start(scene, begin)
    if killed:
        kill_between_send_and_record(campaign, monkeypatch)
    else:
        work(campaign)
    as_time_passes(campaign)

    assert not campaign.is_open
    assert scene.sent() == dict.fromkeys(scene.names, 1)
    told = outcomes(campaign)
    if not scene.tells:
        unanswered = {"C": 10 if killed else 5}.get(scene.connection.generation, 0)
        assert Counter(told.values()) == Counter({"accepted": 20 - unanswered, "unknown": unanswered})
        assert {"next run" in item.detail for item in campaign.items.filter(outcome="accepted")} == {True}
        with time_machine.travel(timezone.now() + timedelta(hours=8), tick=True):
            sync(scene.connection)
            services.follow()
        told = outcomes(campaign)

    assert told == {name: scene.truth(name) for name in scene.names}
    assert Counter(told.values()) == {"ignored": 3, "failed_again": 2, "resumed": 15}
    assert scene.sent() == dict.fromkeys(scene.names, 1)
    _agrees_everywhere(campaign, told)


def _agrees_everywhere(campaign: Campaign, told: dict[str, str]) -> None:
    """State, the trail's last word on the campaign and on each view, and the CSV file."""
    campaign.refresh_from_db()
    assert campaign.state == "needs_attention"
    end = AuditEntry.objects.filter(object_id=str(campaign.pk), action="schedules.resume").latest("sequence")
    assert end.after == {"state": "needs_attention", "counts": dict(sorted(Counter(told.values()).items()))}
    said = AuditEntry.objects.filter(action="schedules.resume", object_type="saved_query").order_by("sequence")
    assert {entry.object_name: entry.after["outcome"] for entry in said} == told
    rows = list(csv.DictReader(report.lines(records.items_of(campaign))))
    assert {row["view"]: row["outcome"] for row in rows} == told
