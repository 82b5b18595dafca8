"""`python manage.py doctor`: is everything that the portal stands on alive?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from warehouse_admin.management.base import PortalCommand
from warehouse_admin.management.doctor import examine


class Command(PortalCommand):
    help = (
        "Check database, broker, worker, beat, migrations, encryption key, connections, clock and disk; one line each."
    )

    def run(self, **options: Any) -> dict[str, Any]:
        findings = examine()
        for finding in findings:
            self.say(f"{'ok ' if finding.ok else 'BAD'} {finding.name}: {finding.text}")
        bad = [finding.name for finding in findings if not finding.ok]
        if bad:
            self.fail(f"not well: {', '.join(bad)}", checks=[asdict(finding) for finding in findings])
        return {"ok": True, "checks": [asdict(finding) for finding in findings]}
