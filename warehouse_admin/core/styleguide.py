"""Sample values for the style guide page, which only exists with DEBUG."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from django.contrib.staticfiles import finders
from django.utils import timezone

SQL = """-- Net revenue by day; a refund counts on the day it was paid back
WITH paid AS (
  SELECT toDate(timestamp) AS day, plan, sum(amount) AS gross
  FROM stg_payments
  WHERE status = 'paid' AND amount > 10.5
  GROUP BY day, plan
)
SELECT
  paid.day,
  paid.plan,
  paid.gross - coalesce(refunds.amount, 0) AS revenue
FROM paid
LEFT JOIN stg_refunds AS refunds ON refunds.day = paid.day AND refunds.plan = paid.plan
ORDER BY paid.day DESC
LIMIT 1000"""


def samples() -> dict[str, object]:
    """What the page shows in its components that need more than a literal."""
    now = timezone.now()
    statuses = ["Completed"] * 6 + ["Failed", "Completed", "Cancelled", "Running"]
    lengths = [42, 48, 51, 45, 66, 93, 12, 58, 20, None]
    runs = [
        {"status": status, "duration": length, "started_at": now - timedelta(hours=6 * (10 - index))}
        for index, (status, length) in enumerate(zip(statuses, lengths, strict=True))
    ]
    timeline = [
        {
            "icon": "pencil",
            "tone": "muted",
            "actor": "erin",
            "text": "proposed this change",
            "at": now - timedelta(hours=5),
        },
        {
            "icon": "message",
            "tone": "warn",
            "actor": "remy",
            "text": "asked for changes",
            "at": now - timedelta(hours=3),
            "body": "Refunds would count twice for the plans that were merged in May.",
        },
        {"icon": "layers", "tone": "muted", "actor": "erin", "text": "made revision 2", "at": now - timedelta(hours=2)},
        {"icon": "check", "tone": "ok", "actor": "remy", "text": "approved", "at": now - timedelta(minutes=12)},
    ]
    return {"sql": SQL, "runs": runs, "timeline": timeline, "icons": icon_names()}


def icon_names() -> list[str]:
    """Every icon of the sprite."""
    sprite = finders.find("img/icons.svg")
    return re.findall(r'<symbol id="([^"]+)"', Path(sprite).read_text()) if isinstance(sprite, str) else []
