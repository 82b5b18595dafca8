"""`python -m tests.bench [NAME …]`: run the named benchmarks, or all of them, on a database of their own."""

from __future__ import annotations

import os
import shutil
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.settings")

import django

django.setup()

from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from tests.bench import audit, campaigns, changes, lineage, list_pages, search  # noqa: E402
from tests.bench.mirror import benches as mirror  # noqa: E402
from tests.broker import embedded_broker  # noqa: E402

BENCHES = {
    "mirror": mirror.run_speed,
    "mirror_limit": mirror.run_limit,
    "mirror_memory": mirror.run_memory,
    "list_pages": list_pages.run,
    "search": search.run,
    "changes": changes.run,
    "lineage": lineage.run,
    "campaigns": campaigns.run,
    "audit": audit.run,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(BENCHES)}.")
        return 2
    # Without Django's test environment: it reports each template it renders, and that would be measured too.
    with embedded_broker():
        databases = setup_databases(verbosity=0, interactive=False)
        try:
            for name in names or BENCHES:
                print(f"\n== {name}")
                BENCHES[name]()
        finally:
            teardown_databases(databases, verbosity=0)
    shutil.rmtree(os.environ["PORTAL_TEST_DIR"], ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
