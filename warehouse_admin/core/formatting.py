"""Turn values into the words people read; pure functions, used by templates, mails and commands."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from django.utils import timezone
from django.utils.dateparse import parse_datetime

NOTHING = "–"
_CADENCE = re.compile(r"(\d{1,4})(min|hour|day)", re.ASCII)
_UNITS = {"min": ("minute", "min"), "hour": ("hour", "h"), "day": ("day", "d")}
_STEPS = ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"), (86_400 * 60, 86_400, "d"))


def as_datetime(value: object) -> datetime | None:
    """An aware datetime from a datetime, a date or ISO text; None when it is none of them."""
    if isinstance(value, datetime) and value.tzinfo is not None:  # nearly all, hundreds a page
        return value
    if isinstance(value, str):
        try:
            value = parse_datetime(value)
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if timezone.is_naive(value) else value


def relative(moment: datetime, now: datetime) -> str:
    """ "3 min ago", "in 2 h", "just now"; a date once it is two months away."""
    seconds = (now - moment).total_seconds()
    size = abs(seconds)
    if size < 10:
        return "just now"
    for below, unit, word in _STEPS:
        if size < below:
            amount = f"{int(size // unit)} {word}"
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    return timezone.localtime(moment).strftime("%d %b %Y").lstrip("0")


def exact(moment: datetime, zone: tzinfo | None = None) -> str:
    """The moment to the second with its zone: that of the person, which a caller with many moments looks up once."""
    local = moment.astimezone(zone or timezone.get_current_timezone())
    return f"{local.isoformat(' ', 'seconds')[:19]} {local.tzname()}"  # strftime takes twice as long, hundreds a page


def seconds_of(value: object) -> float | None:
    """Seconds of a number or a timedelta; None for anything else."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return None


def duration(value: object) -> str:
    """ "320 ms", "1 m 20 s", "3 h 5 m", "2 d 4 h" from seconds or a timedelta."""
    seconds = seconds_of(value)
    if seconds is None or seconds < 0:
        return NOTHING
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    whole = round(seconds)
    for unit, word, part_unit, part_word in ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= unit:
            rest = whole % unit // part_unit
            return f"{whole // unit} {word} {rest} {part_word}" if rest else f"{whole // unit} {word}"
    return f"{whole} s"


def percent(share: float | None) -> str:
    """ "97 %" of a share of 1; one failure among thousands is no 100 %."""
    if share is None:
        return NOTHING
    whole = round(share * 100)
    if share < 1 and whole == 100:
        return "> 99 %"
    return "< 1 %" if share > 0 and whole == 0 else f"{whole} %"


def cadence(value: str) -> str:
    """ "every 6 h" from PostHog's "6hour"; a word that is not known shows itself."""
    found = _CADENCE.fullmatch(value)
    if not found:
        return value
    amount, (one, many) = int(found[1]), _UNITS[found[2]]
    return f"every {one}" if amount == 1 else f"every {amount} {many}"


def thousands(value: object) -> str:
    """ "12,345"; text that is no number is given back as it is."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def truncate_middle(value: str, length: int) -> str:
    """At most `length` characters, both ends kept."""
    if len(value) <= length or length < 3:
        return value
    head = length // 2
    return f"{value[:head]}…{value[len(value) - (length - head - 1) :]}"


def initials(name: str) -> str:
    """One or two capitals for an avatar, from a name, a user name or an e-mail address."""
    words = [word for word in name.split("@")[0].replace(".", " ").replace("_", " ").replace("-", " ").split() if word]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()
