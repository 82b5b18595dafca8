"""Whatever people, others and the network do, in whatever order: nothing unapproved is sent, and nothing twice."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from tests.changes.machine.deciding import Deciding
from tests.changes.machine.law import AT_REST
from tests.changes.machine.ledger import Ledger
from tests.changes.machine.stage import Stage
from tests.changes.machine.undermining import Undermining
from tests.changes.machine.writing import Writing
from tests.mirror.test_convergence import wrong_views
from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mutations.models import ObjectLock

SEED = int(os.environ.get("MACHINE_SEED", "0"))
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "10"))
STEPS = int(os.environ.get("MACHINE_STEPS", "50"))
SHRINK = (Phase.shrink,) if os.environ.get("MACHINE_SHRINK") else ()

pytestmark = pytest.mark.django_db


class Machine(Writing, Deciding, Undermining):
    """Random people, outsiders and faults around one warehouse; `ledger` judges after every step."""

    seen: Counter[tuple[str, str]] = Counter()

    @initialize(generation=st.sampled_from("DCBA"), policy=st.sampled_from(["automatic", "manual"]))
    def begin(self, generation: str, policy: str) -> None:
        self.stage = Stage(generation, policy)
        self.ledger = Ledger(self.stage)
        self.told.append(f"generation {generation}, {policy}")
        self.is_set = True

    def teardown(self) -> None:
        if not self.is_set:
            return
        try:
            if not self.is_broken:
                with self.telling():
                    self._settle()
        finally:
            Machine.seen.update(self.ledger.hops)
            self.ledger.close()
            self.stage.close()

    def _settle(self) -> None:
        """The trouble is over: everything that is under way comes to rest, and the mirror says what is there."""
        self.ledger.network.plan, self.kill_after = "", 0
        self.mend()
        for seconds in (1, 71, 200, 3_600, 3_600):
            self.sweep(seconds)
        self.stage.queue.clear()
        moving = ChangeRequest.objects.exclude(state__in=AT_REST)
        assert not moving.exists(), [(one, one.problem) for one in moving]
        forgotten = ChangeRequest.objects.filter(state="approved", attempts=0, by_hand=False)
        assert Connection.objects.get().apply_policy == "manual" or not forgotten.exists()
        assert not ObjectLock.objects.exists()
        assert services.settle_open() == 0
        with self.stage.committing():
            self.stage.sync()
        assert wrong_views(self.stage.world) == {}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # whoever is killed closes no sockets
def test_no_order_of_things_breaks_a_promise() -> None:
    run_state_machine_as_test(
        seed(SEED)(Machine),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=False,
            phases=(Phase.generate, *SHRINK),
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{sum(Machine.seen.values())} transitions", dict(Machine.seen))
