"""The state of one sandbox: objects, log, faults, and the requests it received."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from .clock import Clock
from .faults import Faults
from .generations import GENERATIONS, Generation
from .models import Folder, Interview, Job, LogEntry, Received, Source, Table, View
from .people import PROJECT_ID, demo_keys
from .throttle import Throttle

MAX_REQUESTS_KEPT = 200_000


class Store:
    """Everything a server knows. Hold `lock` while touching it from a thread of your own."""

    def __init__(self, generation: str = "D", seed: int = 1) -> None:
        self.generation: Generation = GENERATIONS[generation]
        self.project_id = PROJECT_ID
        self.clock = Clock()
        self.random = random.Random(seed)
        self.lock = threading.RLock()
        self.keys = demo_keys()
        self.views: dict[str, View] = {}
        self.tables: dict[str, Table] = {}
        self.sources: dict[str, Source] = {}
        self.jobs: dict[str, list[Job]] = defaultdict(list)
        self.log: list[LogEntry] = []
        self.log_of: dict[str, list[LogEntry]] = defaultdict(list)
        self.interviews: dict[str, Interview] = {}
        self.has_interviews = True  # the flag that newer servers ask for
        self.folders: dict[str, Folder] = {}
        self.faults = Faults()
        self.throttle = Throttle()
        self.requests: list[Received] = []
        self.write_counts: Counter[str] = Counter()
        self.page_size = 1000
        self.rate: tuple[int, int] | None = None  # requests per minute and per hour and key; None: no limits at all
        self.query_rate: tuple[int, int] = (240, 1200)
        self.latency = 0.0  # seconds added to every answer of the API
        self.changed = False  # something worth keeping happened since it was last saved
        self._pending_log: list[LogEntry] = []
        self._names: dict[str, str] | None = None
        self._table_names: dict[str, str] | None = None
        self._newest: list[str] | None = None
        self._all_jobs: list[Job] | None = None

    # ids and time

    def new_id(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def now(self) -> float:
        return self.clock.now()

    # objects

    def add_view(self, view: View) -> View:
        self.views[view.id] = view
        self.reindex()
        return view

    def add_table(self, table: Table) -> Table:
        self.tables[table.id] = table
        self.reindex()
        return table

    def reindex(self) -> None:
        """Call after adding, renaming, hiding or deleting a view or a table."""
        self._names = self._table_names = self._newest = None
        self.changed = True

    def live_views(self) -> Iterator[View]:
        return (view for view in self.views.values() if not view.deleted)

    def newest_views(self) -> list[View]:
        """Live views, newest first."""
        if self._newest is None:
            self._newest = [v.id for v in sorted(self.live_views(), key=lambda v: (-v.created_at, v.id))]
        return [self.views[key] for key in self._newest]

    def view_by_name(self, name: str) -> View | None:
        if self._names is None:
            self._names = {view.name: view.id for view in self.live_views()}
        key = self._names.get(name)
        return self.views[key] if key else None

    def table_by_name(self, name: str) -> Table | None:
        if self._table_names is None:
            self._table_names = {table.name: table.id for table in self.tables.values() if not table.deleted}
        key = self._table_names.get(name)
        return self.tables[key] if key else None

    def storage_of(self, view_id: str) -> Table | None:
        """The table a materialized view is kept in."""
        return next((t for t in self.tables.values() if t.view_id == view_id and not t.deleted), None)

    def add_job(self, job: Job) -> Job:
        """Runs of one view must be added oldest first."""
        self.jobs[job.view_id].append(job)
        self._all_jobs = None
        return job

    def newest_jobs(self) -> list[Job]:
        """Runs of all views, newest first."""
        if self._all_jobs is None:
            every = (job for runs in self.jobs.values() for job in runs)
            self._all_jobs = sorted(every, key=lambda job: (-job.created_at, job.id))
        return self._all_jobs

    def newest_job(self, view_id: str) -> Job | None:
        jobs = self.jobs.get(view_id)
        return jobs[-1] if jobs else None

    # the log

    def record(self, entry: LogEntry) -> None:
        self.log.append(entry)
        self.log_of[entry.item_id].append(entry)
        self.changed = True

    def record_later(self, entry: LogEntry) -> None:
        """Log after the answer has been built, as the real server does on commit."""
        self._pending_log.append(entry)

    def commit_log(self) -> None:
        for entry in self._pending_log:
            self.record(entry)
        self._pending_log.clear()

    # what arrived

    def received(self, request: Received) -> None:
        if len(self.requests) >= MAX_REQUESTS_KEPT:
            del self.requests[: MAX_REQUESTS_KEPT // 2]
        self.requests.append(request)

    def wrote(self, object_id: str) -> None:
        """Count one effective write over the API."""
        self.write_counts[object_id] += 1
        self.changed = True

    def writes(self, object_id: str | None = None) -> int:
        """Effective writes over the API to one object, or to all."""
        return self.write_counts[object_id] if object_id else sum(self.write_counts.values())

    def summary(self) -> dict[str, Any]:
        return {
            "generation": self.generation.name,
            "views": sum(1 for _ in self.live_views()),
            "tables": sum(1 for table in self.tables.values() if not table.deleted),
            "runs": sum(len(jobs) for jobs in self.jobs.values()),
            "requests": len(self.requests),
            "faults": self.faults.list(),
        }
