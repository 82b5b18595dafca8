"""A thousand suspended views resumed in one campaign: how many calls, how long, and what it costs to verify."""

from __future__ import annotations

import time
from collections import Counter

from django.utils import timezone

from tests.bench.mirror.server import Server, serving
from tests.bench.telling import told
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role, give_role
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.models import Campaign

VIEWS, MOST_CALLS = 1_000, 25
READS_EACH = 1
USUAL_BUDGET = 450  # requests a minute
LONGEST = (MOST_CALLS + VIEWS * READS_EACH) / USUAL_BUDGET * 60
"""Seconds that the usual budget would take for as many requests: the portal itself is to be no slower than that."""
WAYS_TO_END = {"D": "resumed", "C": "accepted"}
"""What the server lets us know at once: only the newest tells whether a schedule is suspended."""


def run() -> None:
    operator = User.objects.create_user("bench-operator")
    give_role(operator, Role.OPERATOR)
    for generation, outcome in WAYS_TO_END.items():
        with serving(VIEWS, generation=generation) as server:
            _resume(server, generation, outcome, operator)


def _resume(server: Server, generation: str, outcome: str, operator: User) -> None:
    connection = _mirrored(server, generation)
    views = list(SavedQuery.objects.present().filter(connection=connection))
    assert {view.schedule_state for view in views} == {"suspended"} and len(views) == VIEWS
    server.counts()
    began = time.perf_counter()
    campaign = services.start_resume(user=operator, saved_queries=views, reason="bench", confirm_count=VIEWS)
    _work(campaign)
    seconds = time.perf_counter() - began
    counts = server.counts()
    ended = Counter(campaign.items.values_list("outcome", flat=True))
    reads = counts["requests"] - counts["resumes"]
    told(f"{generation}: calls", f"{counts['resumes']}", f"{MOST_CALLS}", counts["resumes"] <= MOST_CALLS)
    told(f"{generation}: requests to verify", f"{reads}", f"{VIEWS * READS_EACH}", reads <= VIEWS * READS_EACH)
    told(f"{generation}: seconds", f"{seconds:.1f} s", f"{LONGEST:.0f} s", seconds <= LONGEST)
    right = ended[outcome]
    told(f"{generation}: without the outcome {outcome}", f"{VIEWS - right}", "0", right == VIEWS)


def _mirrored(server: Server, generation: str) -> Connection:
    """A connection without a budget, so that the portal itself is measured; synced before and after the suspension."""
    connection = accounts.save_connection(
        actor=None,
        slug=f"campaigns-{generation.lower()}",
        name=f"Campaigns {generation}",
        host=server.url,
        project_id="1",
        api_key=SandboxServer.key,
        budget_per_minute=0,
        budget_per_hour=0,
    )
    accounts.check_connection(connection)
    _sync(connection)
    server.suspend()
    _sync(connection)
    connection.refresh_from_db()
    return connection


def _sync(connection: Connection) -> None:
    ended = mirror.run_sync(mirror.start_sync(connection=connection, kind="full", queue=False).pk)
    assert ended is not None and ended.state == "succeeded", ended and ended.error


def _work(campaign: Campaign) -> None:
    """As a worker that is called again as soon as it may be."""
    while True:
        services.run_campaign(campaign.pk)
        campaign.refresh_from_db()
        if not campaign.is_open:
            return
        if campaign.not_before:
            time.sleep(max(0.0, (campaign.not_before - timezone.now()).total_seconds()))
