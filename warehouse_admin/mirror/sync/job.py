"""What every phase of a sync works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mirror.store import Writing
from warehouse_admin.mirror.sync.fetch import Fetcher
from warehouse_admin.mirror.sync.watch import Watch
from warehouse_admin.mirror.sync.words import in_words
from warehouse_admin.posthog import errors


@dataclass
class Job:
    """One run of one sync. `is_history`: no sync of this connection has ever succeeded."""

    sync: SyncRun
    connection: Connection
    watch: Watch
    fetcher: Fetcher
    is_history: bool
    touched: set[int] = field(default_factory=set)
    """Views that are new, say something else than before, or ran."""

    def writing(self) -> Writing:
        return Writing(connection=self.connection, sync=self.sync, is_history=self.is_history, touched=self.touched)

    @property
    def listed_at(self) -> datetime:
        """When the list crawl that this sync stands on began."""
        at = self.watch.listed_at
        if at is None:
            raise RuntimeError("The list has not been read yet.")
        return at

    @property
    def is_limited(self) -> bool:
        """Whether requests have to be few, so that those go first which tell the most."""
        return bool(self.connection.budget_per_minute or self.connection.budget_per_hour)

    def may(self, action: str) -> bool:
        """False only where PostHog is known to refuse."""
        return accounts.capability(self.connection, action).state != "no"

    def learn(self, action: str, error: errors.PostHogError | None) -> None:
        accounts.learn(self.connection, action, error)

    def do_without(self, what: str, action: str, error: errors.PostHogError) -> None:
        """Remember that this key cannot read something optional, and say so on the sync's row."""
        self.learn(action, error)
        self.watch.notes[what] = in_words(error)
