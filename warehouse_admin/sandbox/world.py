"""What other people do in PostHog itself, and what befalls a warehouse: hands for tests and demonstrations."""

from __future__ import annotations

from typing import Any

from . import editing, logbook
from .generations import GENERATIONS, SECONDS
from .models import View
from .people import ApiKey, find_person
from .runs import PAUSED_PREFIX, TIMEOUT, Runner
from .store import Store


class World(Store):
    """The store with hands on it. Each hand takes the lock, and none of them counts as a write over the API."""

    def __init__(self, generation: str = "D", seed: int = 1) -> None:
        super().__init__(generation, seed)
        self.runner = Runner(self)

    def tick(self) -> None:
        """Let runs start and finish up to now."""
        self.runner.catch_up()

    def view(self, name_or_id: str) -> View:
        """A live view by name, or any view by id; raises KeyError."""
        found = self.view_by_name(name_or_id) or self.views.get(name_or_id)
        if found is None:
            raise KeyError(f"no such view in the sandbox: {name_or_id}")
        return found

    def edit_outside(self, name: str, sql: str, by: str = "ana") -> View:
        """Another person saves new SQL, whatever it is."""
        with self.lock:
            view = self.view(name)
            before, view.query = view.query, {"kind": "HogQLQuery", "query": sql}
            editing.query_changed(self, view)
            logbook.log_update(self, view, find_person(by).id, [logbook.change("query", before, view.query)])
            self.commit_log()
            return view

    def rename_outside(self, name: str, new_name: str, by: str = "ana") -> View:
        """No generation logs a rename."""
        with self.lock:
            find_person(by)
            view = self.view(name)
            editing.rename(self, view, new_name)
            return view

    def delete_outside(self, name: str, by: str = "ana") -> View:
        """Delete it, dependents or not."""
        with self.lock:
            view = self.view(name)
            editing.delete(self, view, find_person(by).id)
            self.commit_log()
            return view

    def create_outside(self, name: str, sql: str, by: str = "ana") -> View:
        with self.lock:
            view = editing.create(self, name, {"kind": "HogQLQuery", "query": sql}, find_person(by).id)
            self.commit_log()
            return view

    def set_cadence_outside(self, name: str, frequency: str, by: str = "ana") -> View:
        with self.lock:
            view = self.view(name)
            changes = editing.set_frequency(self, view, frequency)
            logbook.log_update(self, view, find_person(by).id, changes)
            self.commit_log()
            return view

    def materialize_outside(self, name: str, frequency: str = "24hour", by: str = "ana") -> View:
        """Another person gives a view its table; C and D log it."""
        with self.lock:
            view = self.view(name)
            change = logbook.frequency_change(view.sync_frequency, frequency)
            editing.materialize(self, view, frequency)
            logbook.log_action(self, view, find_person(by).id, "materialization_enabled", [change])
            self.commit_log()
            return view

    def unmaterialize_outside(self, name: str, by: str = "ana") -> View:
        with self.lock:
            view = self.view(name)
            self.runner.revert(view)
            logbook.log_action(self, view, find_person(by).id, "materialization_disabled")
            self.commit_log()
            return view

    def hide_outside(self, name: str, by: str | None = "ana") -> View:
        """Half a delete: the row is hidden and keeps its name. `by` None: so long ago that no log tells of it."""
        with self.lock:
            view = self.view(name)
            view.deleted = True
            self.reindex()
            if by is not None:
                changes = [logbook.change("deleted", False, True)]
                logbook.log_update(self, view, find_person(by).id, changes)
                self.commit_log()
            return view

    def pause(self, name: str, by: str = "ana") -> View:
        """A person stops the schedule by setting the cadence to never."""
        return self.set_cadence_outside(name, "never", by)

    def suspend(self, name: str, error: str = TIMEOUT, *, keeps_failing: bool = False) -> View:
        """Five runs failed and the schedule is paused for it."""
        with self.lock:
            view = self.view(name)
            if view.schedule is None:
                editing.materialize(self, view, view.sync_frequency or "24hour")
            job = self.runner.start(view, self.now()) or self.jobs[view.id][-1]
            job.status, job.last_run_at = "Failed", self.now()
            self.runner.suspend(view, error, job.last_run_at, job.id)
            old = not self.generation.has_revisions
            view.status, view.failures = "Failed", 5
            job.error = view.latest_error = PAUSED_PREFIX + error if old else error
            view.failing = error if keeps_failing else None
            return view

    def fail_next_run(self, name: str, error: str = TIMEOUT) -> View:
        with self.lock:
            view = self.view(name)
            view.fail_next = error
            return view

    def run_outside(self, name: str, *, finish: bool = False) -> View:
        """The scheduler starts a run now; `finish` ends it at once."""
        with self.lock:
            view = self.view(name)
            job = self.runner.start(view, self.now())
            if finish and job is not None:
                job.ends_at = self.now()
                self.runner.plan(view)
                self.tick()
            return view

    def advance(self, seconds: float) -> None:
        """Move time; runs and schedules follow."""
        with self.lock:
            self.clock.advance(seconds)
            self.tick()

    def set_generation(self, name: str) -> None:
        """Upgrade or downgrade the server in place; suspensions are carried over in the new server's form."""
        with self.lock:
            was, self.generation = self.generation, GENERATIONS[name]
            if was.has_revisions == self.generation.has_revisions:
                return
            for view in self.live_views():
                _carry_suspension(self, view, was.has_revisions)
            self.changed = True

    def add_key(self, value: str, by: str = "ana", scopes: list[str] | None = None) -> ApiKey:
        """One more personal key; all scopes unless said."""
        with self.lock:
            key = ApiKey(value, find_person(by).id, "added", ["*"] if scopes is None else list(scopes))
            self.keys[value] = key
            return key

    def revoke_key(self, value: str) -> None:
        self.keys[value].revoked = True

    def restore_key(self, value: str) -> None:
        self.keys[value].revoked = False

    def requests_to(self, path_part: str, method: str | None = None) -> list[Any]:
        """Requests received whose path contains this."""
        with self.lock:
            return [r for r in self.requests if path_part in r.path and method in (None, r.method)]


def _carry_suspension(world: World, view: View, from_revisions: bool) -> None:
    job = world.newest_job(view.id)
    if view.schedule is None:
        return
    if from_revisions and view.suspended:
        view.suspended, view.sync_frequency = {}, None
        if job is not None and job.error:
            job.error = view.latest_error = PAUSED_PREFIX + job.error
    elif job is not None and job.error and job.error.startswith(PAUSED_PREFIX) and view.schedule.paused:
        job.error = view.latest_error = job.error.removeprefix(PAUSED_PREFIX)
        view.suspended = {"clickhouse": {"at": job.last_run_at, "reason": job.error, "job_id": job.id}}
        names = {seconds: name for name, seconds in SECONDS.items()}
        view.sync_frequency = names.get(view.schedule.interval)
