"""A day of work by several people, here and past us: each action is told once, in one class, with the right person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.activity.conftest import sync
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db
DOMAIN = "harborgoods.example"
Told = tuple[str, str, str, str, str, bool]  # view, kind, source, author, outcome, known only here


@dataclass
class Day:
    """The hands of everybody, and what each of their actions has to be told as."""

    name: str
    sandbox: SandboxServer
    connection: Connection
    people: dict[str, User]
    expected: list[Told] = field(default_factory=list)

    @property
    def is_modern(self) -> bool:
        return self.name in "CD"

    def here(self, who: str, kind: str, view: str, *, ends: str = "happened", told: str, **payload: Any) -> Mutation:
        """Somebody does it here; PostHog's log will name the owner of the key."""
        live = None if kind == "create_view" else self.sandbox.world.view(view)
        number = len(self.expected)
        mutation = mutations.ask(
            connection=self.connection,
            kind=kind,
            object_id=live.id if live else "",
            object_name=view,
            actor=self.people[who],
            idempotency_key=f"change:{number}:1:1",
            payload=payload,
            base={}
            if live is None
            else {
                "name": live.name,
                "query": live.query["query"] if ends != "conflict" else "SELECT 'what was never there'",
                "sync_frequency": live.sync_frequency,
            },
            cause=f"change:{number}",
            reason="because",
        )
        done = mutations.send(mutation.pk)
        assert done.state == ends, (kind, view, done.error)
        lands = ends == "happened"
        logged = told in ("created", "edited") or (self.is_modern and told != "renamed")
        self.expected.append((view, told, "portal", who, "" if lands else "failed", lands and not logged))
        return done

    def outside(self, by: str, told: str, view: str, *values: str) -> None:
        """Somebody does it in PostHog itself; what no log tells of has no author."""
        hands: dict[str, Callable[..., Any]] = {
            "created": self.sandbox.world.create_outside,
            "edited": self.sandbox.world.edit_outside,
            "renamed": self.sandbox.world.rename_outside,
            "cadence_changed": self.sandbox.world.set_cadence_outside,
            "deleted": self.sandbox.world.delete_outside,
        }
        hands[told](view, *values, by=by)
        logged = told in ("created", "edited") or (self.is_modern and told != "renamed")
        name = values[0] if told == "renamed" else view
        whose = ("outside", f"{by}@{DOMAIN}") if logged else ("unknown", "")
        self.expected.append((name, told, *whose, "", not logged))

    def system(self, told: str, view: str) -> None:
        self.expected.append((view, told, "system", "", "", False))

    def sync(self) -> None:
        sync(self.connection)


@pytest.fixture
def people(person: Callable[..., User]) -> dict[str, User]:
    return {name: person(name, Role.OPERATOR) for name in ("mona", "nils", "ola")}


def morning(day: Day) -> None:
    """Views come, are edited by turns here and past us, and one edit comes too late."""
    for number, who in enumerate(("mona", "nils", "ola", "mona")):
        day.here(who, "create_view", f"ours_{number}", told="created", name=f"ours_{number}", query=f"SELECT {number}")
    for number, by in enumerate(("ana", "ben", "chiara")):
        day.outside(by, "created", f"theirs_{number}", f"SELECT {number} AS n")
    for number in range(4):
        day.here("nils", "edit_query", f"day_{number}", told="edited", query=f"SELECT {number} AS by_nils")
        day.outside("ben", "edited", f"day_{number}", f"SELECT {number} AS by_ben")
        day.here("ola", "edit_query", f"day_{number}", told="edited", query=f"SELECT {number} AS by_ola")
    day.outside("ana", "edited", "day_4", "SELECT 'ana was first'")
    day.here("mona", "edit_query", "day_4", ends="conflict", told="edited", query="SELECT 'mona came too late'")
    day.sync()


def noon(day: Day) -> None:
    """Names and cadences, of which PostHog logs little."""
    for number, who in enumerate(("mona", "ola")):
        day.here(who, "rename", f"day_{5 + number}", told="renamed", name=f"day_{5 + number}_new")
        day.expected[-1] = (f"day_{5 + number}", *day.expected[-1][1:])
    for number, by in enumerate(("ana", "chiara")):
        day.outside(by, "renamed", f"day_{7 + number}", f"day_{7 + number}_theirs")
    if day.name != "A":
        day.here("mona", "set_cadence", "running_0", told="cadence_changed", sync_frequency="6hour")
        day.here("nils", "set_cadence", "running_1", told="cadence_changed", sync_frequency="12hour")
    day.outside("ben", "cadence_changed", "running_2", "7day")
    day.outside("ana", "cadence_changed", "running_3", "12hour")
    day.sync()
    for number in range(3):
        day.outside("ben", "edited", f"day_{number}", f"SELECT {number} AS by_ben")
        day.outside("chiara", "edited", f"day_{number}", f"SELECT {number} AS by_chiara")
    day.sync()


def evening(day: Day) -> None:
    """Views go, a schedule stops, and one view fails and runs well again."""
    day.here("ola", "delete", "day_9", told="deleted")
    day.here("nils", "delete", "day_10", told="deleted")
    day.outside("ana", "deleted", "day_11")
    day.outside("ben", "deleted", "day_12")
    if day.is_modern:
        day.here("mona", "run", "running_0", told="run_started")
        # The newest servers let no key cancel.
        ends = "refused" if day.name == "D" else "happened"
        day.here("nils", "cancel", "running_0", ends=ends, told="run_cancelled")
        day.here("ola", "unmaterialize", "running_1", told="unmaterialized")
    day.sandbox.world.suspend("running_2")
    day.system("suspended", "running_2")
    day.system("run_failed", "running_2")
    day.sandbox.world.fail_next_run("running_3")
    day.sandbox.world.run_outside("running_3", finish=True)
    day.system("run_failed", "running_3")
    day.sync()
    day.sandbox.world.advance(60)
    day.sandbox.world.run_outside("running_3", finish=True)
    day.system("run_recovered", "running_3")
    day.sync()


def _told(since: int) -> list[Told]:
    rows = ActivityEntry.objects.filter(pk__gt=since)
    return [
        (row.object_name, row.kind, row.source, row.author, row.outcome, row.known_only_here)
        for row in rows.order_by("occurred_at", "pk")
    ]


def _finish_run(sandbox: SandboxServer, name: str) -> None:
    """End the run that a materialization has started, well."""
    world = sandbox.world
    view = world.view(name)
    job = world.newest_job(view.id)
    assert job is not None
    job.ends_at = world.now()
    world.runner.plan(view)
    world.tick()
    assert world.newest_job(view.id).status == "Completed"


@pytest.mark.parametrize("name", list("ABCD"))
def test_every_action_of_a_day_is_in_exactly_one_class_with_the_right_person(
    name: str,
    generation: Callable[..., Connection],
    sandbox: SandboxServer,
    people: dict[str, User],
) -> None:
    for number in range(13):
        sandbox.world.create_outside(f"day_{number}", f"SELECT {number}")
    for number in range(4):
        sandbox.world.create_outside(f"running_{number}", f"SELECT {number}")
        sandbox.world.materialize_outside(f"running_{number}", "24hour")
        _finish_run(sandbox, f"running_{number}")
    day = Day(name, sandbox, generation(name), people)
    since = ActivityEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    morning(day)
    noon(day)
    evening(day)

    about = {view for view, *_ in day.expected}
    told = Counter(one for one in _told(since) if one[0] in about)
    assert told == Counter(day.expected)
    assert len(day.expected) >= 40
    # Of two edits between two syncs each is told with its own text, not with the sum of both.
    last = ActivityEntry.objects.filter(object_name="day_0", kind="edited").latest("occurred_at")
    assert [(side or {})["query"] for side in (last.before, last.after)] == [
        "SELECT 0 AS by_ben",
        "SELECT 0 AS by_chiara",
    ]
    # Nothing that we sent is told twice or not at all, and no log entry and no difference was left over.
    assert Mutation.objects.filter(entry__isnull=True).count() == 0
    assert SavedQuery.objects.filter(observations__entry=None, observations__is_history=False).count() == 0
    assert ActivityEntry.objects.filter(remote_activity=None, observation=None, mutation=None, run=None).count() == 0
