"""Runs that start, finish, fail and get their schedule paused, as the world's clock moves."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from . import lineage
from .models import Job, Schedule, Table, View

if TYPE_CHECKING:
    from .world import World

PAUSED_PREFIX = (
    "This materialized view sync schedule has been paused until you modify the query and reset "
    "the sync schedule. Error: "
)
REVERTED_PREFIX = "This materialized view has been reverted to a view because it referenced an unknown table. Error: "
TIMEOUT = (
    "Code: 159. DB::Exception: Timeout exceeded: elapsed 600.3 seconds, maximum: 600. (TIMEOUT_EXCEEDED) "
    "Query timed out. Try to reduce its scope by changing the time range."
)
FAILURES_BEFORE_PAUSE = 5
CATCH_UP_RUNS = 60  # of one view after a long sleep; older slots are skipped


class Runner:
    """The scheduler and the workers of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seconds = (3.0, 9.0)  # how long a run takes
        self.resume_within: float | None = None  # seconds; None: an un-paused schedule waits for its next slot
        self._agenda: list[tuple[float, str]] = []

    # what a person or the API asks for

    def start(self, view: View, at: float) -> Job | None:
        """Start a run, unless one is under way."""
        if self.running(view) is not None:
            return None
        job = Job(self.world.new_id(), view.id, "Running", at, at, at + self.world.random.uniform(*self.seconds))
        job.rows_expected = view.rows
        self.world.add_job(job)
        view.status = "Running"
        self._touch(view)
        return job

    def running(self, view: View) -> Job | None:
        job = self.world.newest_job(view.id)
        return job if job is not None and job.status == "Running" else None

    def cancel(self, view: View) -> bool:
        """Stop the run under way; false if there is none."""
        job = self.running(view)
        if view.status == "Running":
            view.status = "Cancelled"
        if job is None:
            return False
        job.status, job.last_run_at, job.error = "Cancelled", self.world.now(), "Cancelled by user"
        self._touch(view)
        return True

    def set_interval(self, view: View, seconds: int) -> None:
        """Create the schedule, or change it, which also un-pauses it."""
        due = self.world.now() + seconds
        if view.schedule is None:
            view.schedule = Schedule(seconds, due)
        else:
            view.schedule.interval, view.schedule.paused, view.schedule.next_run_at = seconds, False, due
        self._touch(view)

    def pause(self, view: View) -> None:
        if view.schedule is not None:
            view.schedule.paused = True
            self._touch(view)

    def unpause(self, view: View) -> None:
        """Let the schedule go on; it neither starts a run nor restores anything else."""
        if view.schedule is None or not view.schedule.paused:
            return
        now = self.world.now()
        wait = self.resume_within or view.schedule.interval
        view.schedule.paused = False
        view.schedule.next_run_at = now + min(wait, view.schedule.interval)
        view.failures = 0
        self._touch(view)

    def revert(self, view: View) -> None:
        """Make a plain view of it again: schedule and storage table go, runs stay."""
        self.cancel(view)
        view.schedule = None
        view.is_materialized, view.suspended, view.failures = False, {}, 0
        view.sync_frequency = view.status = view.latest_error = None
        if table := self.world.storage_of(view.id):
            table.deleted = True
        self.world.reindex()
        self._touch(view)

    def store(self, view: View) -> None:
        """Make sure a materialized view has its storage table."""
        if self.world.storage_of(view.id) is None:
            pattern = f"https://storage.harborgoods.example/team_1_modeling/{view.id}"
            table = Table(self.world.new_id(), view.name, "DeltaS3Wrapper", pattern, None, self.world.now())
            table.columns, table.view_id = [list(column) for column in view.columns], view.id
            self.world.add_table(table)

    def suspend(self, view: View, error: str, at: float, job_id: str | None = None) -> None:
        """Pause after failures, in the way of the world's generation."""
        if view.schedule is not None:
            view.schedule.paused = True
        if self.world.generation.has_revisions:
            view.suspended = {"clickhouse": {"at": at, "reason": error, "job_id": job_id}}
        else:
            view.sync_frequency = None
        self._touch(view)

    # time

    def plan(self, view: View) -> None:
        """Note when something will happen to this view next."""
        when = self._next(view)
        if when is not None:
            heapq.heappush(self._agenda, (when, view.id))

    def catch_up(self) -> None:
        """Do everything that is due."""
        now = self.world.now()
        while self._agenda and self._agenda[0][0] <= now:
            when, view_id = heapq.heappop(self._agenda)
            view = self.world.views.get(view_id)
            if view is None or self._next(view) != when:
                continue
            self._happen(view, when, now)
            self.plan(view)

    def _touch(self, view: View) -> None:
        self.world.changed = True
        self.plan(view)

    def _next(self, view: View) -> float | None:
        job = self.running(view)
        if job is not None:
            return job.ends_at
        schedule = view.schedule
        return None if schedule is None or schedule.paused else schedule.next_run_at

    def _happen(self, view: View, when: float, now: float) -> None:
        job = self.running(view)
        if job is not None:
            self._finish(view, job)
            return
        schedule = view.schedule
        if schedule is None:
            return
        missed = int((now - when) // schedule.interval)
        if missed > CATCH_UP_RUNS:
            schedule.next_run_at += (missed - CATCH_UP_RUNS) * schedule.interval
            return
        schedule.next_run_at += schedule.interval
        self.start(view, when)

    def _finish(self, view: View, job: Job) -> None:
        job.last_run_at = job.ends_at
        unknown = lineage.unknown_source(self.world, view.sql, view.name)
        error = view.fail_next or view.failing
        view.fail_next = None
        if unknown is not None:
            error = f"Unknown table `{unknown[0]}`."
        if error is None:
            job.status, job.rows = "Completed", self._rows(view)
            view.status, view.latest_error, view.failures = "Completed", None, 0
        else:
            self._fail(view, job, error, reverts=unknown is not None)
        view.updated_at = job.ends_at
        self.world.changed = True

    def _fail(self, view: View, job: Job, error: str, *, reverts: bool) -> None:
        view.failures += 1
        view.status = job.status = "Failed"
        old = not self.world.generation.has_revisions
        if old and reverts:
            error = REVERTED_PREFIX + error
            self.revert(view)
        elif view.failures >= FAILURES_BEFORE_PAUSE and (not old or "timeout" in error.lower()):
            self.suspend(view, error, job.ends_at, job.id)
            error = PAUSED_PREFIX + error if old else error
        job.error = view.latest_error = error

    def _rows(self, view: View) -> int:
        view.rows = int(view.rows * self.world.random.uniform(0.995, 1.02)) + 1
        return view.rows
