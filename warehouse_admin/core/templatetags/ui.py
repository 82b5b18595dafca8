"""Tags and filters of the design system; built in to every template, described in templates/README.md."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import Any
from uuid import UUID

from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.html import conditional_escape, escape, format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from warehouse_admin.core import formatting
from warehouse_admin.core.charts import HEIGHT, MARK, Bar, RunChart, row_chart, run_chart
from warehouse_admin.core.sql import block_context
from warehouse_admin.core.states import look_of

register = template.Library()
MOST_TO_COPY = 100_000
NEVER_BROKEN = 24
"""Characters of a name that every column has room for."""
_WORD_OF_NAME = re.compile(r"[^._-]*[._-]+|[^._-]+")
SHAPED = {"hollow": ' class="is-hollow"', "low": ' class="is-low"'}
"""How a bar looks that is neither a good run nor, crossed out, a failed one."""


@register.simple_tag(name="icon")
def icon(name: str, label: str = "", **attributes: str) -> SafeString:
    """A stroke icon of the sprite; decoration unless it is given a label."""
    return _icon(name, label, attributes.get("class", ""))


@lru_cache(maxsize=1_000)  # a list shows hundreds, of a few dozen kinds
def _icon(name: str, label: str, extra: str) -> SafeString:
    classes = f"icon {extra}".strip()
    href = f"{static('img/icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><title>{}</title><use href="{}"></use></svg>',
            classes,
            label,
            label,
            href,
        )
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"></use></svg>', classes, href)


@register.simple_tag
def ago(value: object, none: str = "never") -> SafeString | str:
    """A moment relative to now, its exact time as title; text that is no time shows as itself."""
    if value is None or value == "":
        return format_html('<span class="muted">{}</span>', none)
    moment = formatting.as_datetime(value)
    if moment is None:
        return str(value)
    exact, words = formatting.exact(moment), formatting.relative(moment, timezone.now())
    return SafeString(f'<time datetime="{moment.isoformat()}" title="{exact}">{words}</time>')  # no words but ours


@register.simple_tag
def state_pill(kind: str, value: object, title: str = "", word: str = "") -> SafeString:
    """A state as icon, word and colour; `word` replaces the word, `title` holds the evidence."""
    opening, rest = _pill(kind, "" if value is None else str(value), word)
    hint = f' title="{conditional_escape(title)}"' if title else ""
    return SafeString(f"{opening}{hint}{rest}")


@lru_cache(maxsize=1_000)  # a list shows hundreds, of a few dozen states; the evidence differs and is left out
def _pill(kind: str, value: str, word: str) -> tuple[str, str]:
    """What comes before its title, and what comes after."""
    look = look_of(kind, value)
    return f'<span class="pill tone-{look.tone}"', f">{icon(look.icon)}<span>{escape(word or look.word)}</span></span>"


def _changed_query(context: Context, changes: dict[str, Any]) -> str:
    request = context.get("request")
    # A list has hundreds of such links, and copying a QueryDict copies each of its values deeply.
    query: dict[str, Any] = dict(request.GET.lists()) if request else {}
    if "page" not in changes:
        query.pop("page", None)
    for key, value in changes.items():
        if value is None or value == "" or value == []:
            query.pop(key, None)
        else:
            query[key] = value if isinstance(value, list | tuple) else [value]
    return "?" + urlencode(query, doseq=True)


@register.simple_tag(takes_context=True)
def query_string(context: Context, **changes: Any) -> str:
    """The current GET parameters with replacements; back to the first page unless `page` is given."""
    return _changed_query(context, changes)


@register.simple_tag(takes_context=True)
def sort_header(context: Context, field: str, label: str, numeric: bool = False, default: str = "") -> SafeString:
    """A table heading that sorts by `field`; `default` is the order in force without `?sort=`."""
    request = context.get("request")
    current = (request.GET.get("sort") if request else "") or default
    rising, falling = current == field, current == f"-{field}"
    target = f"-{field}" if rising else field
    href = _changed_query(context, {"sort": target})
    aria = ' aria-sort="ascending"' if rising else ' aria-sort="descending"' if falling else ""
    mark = icon("sort-up" if rising else "sort-down" if falling else "sort")
    return format_html(
        '<th scope="col" class="sortable{}{}"{}><a href="{}" hx-get="{}">{}{}</a></th>',
        " num" if numeric else "",
        " is-sorted" if rising or falling else "",
        SafeString(aria),
        href,
        href,
        label,
        mark,
    )


@register.simple_tag
def copy_button(text: object, label: str = "Copy") -> SafeString:
    """An icon button that puts the text on the clipboard; none for a text that would make the page twice as long."""
    if len(str(text)) > MOST_TO_COPY:
        return SafeString()
    return format_html(
        '<button type="button" class="btn btn-icon btn-ghost btn-small needs-js" data-copy="{}" title="{}"'
        ' aria-label="{}">{}</button>',
        text,
        label,
        label,
        icon("copy"),
    )


@register.inclusion_tag("partials/_sql_code.html")
def sql_code(text: str, limit: int = 0, anchor: str = "L", whole: str = "") -> dict[str, Any]:
    """SQL with line numbers and anchors; `limit` shows that many lines and says how many more there are."""
    return block_context(text or "", anchor, limit, whole)


@register.simple_tag
def row_url(name: str, key: int | UUID) -> SafeString:
    """What `url` gives for the one number or UUID of a pattern, which is not resolved anew for each row of a list."""
    if not isinstance(key, (int, UUID)):
        raise TypeError(f"{name} is given a {type(key).__name__}, which may need quoting: use the url tag.")
    before, after = _around_key(get_script_prefix(), name, isinstance(key, UUID))
    return SafeString(f"{before}{key}{after}")


@lru_cache
def _around_key(prefix: str, name: str, is_uuid: bool) -> tuple[str, str]:
    """What comes before and after the key in an address; the prefix is where the portal is mounted."""
    example = UUID(int=0) if is_uuid else 0
    before, _, after = reverse(name, args=[example]).rpartition(str(example))
    return escape(before), escape(after)


@register.simple_tag
def run_bars(runs: object) -> SafeString:
    """A bar for each run, oldest first; hundreds of bars on a list would take a template longer than all the rest."""
    return drawn(run_chart(runs or []))  # type: ignore[arg-type]


@register.simple_tag
def row_bars(runs: object) -> SafeString:
    """The same for the rows that each run wrote."""
    return drawn(row_chart(runs or []))  # type: ignore[arg-type]


@register.filter
def drawn(chart: RunChart) -> SafeString:
    """A chart as a picture with its sentence; of one without bars only that there are none."""
    if not chart.bars:
        return SafeString('<span class="muted">no runs</span>')
    bars = "".join([_drawn_bar(bar) for bar in chart.bars])
    return SafeString(
        f'<svg class="spark" role="img" aria-label="{escape(chart.summary)}" width="{chart.width}"'
        f' height="{chart.height}" viewBox="0 0 {chart.width} {chart.height}">{bars}</svg>'
    )


def _drawn_bar(bar: Bar) -> str:
    """Numbers, a tone and a shape of ours; only the title can hold words of PostHog."""
    cross = ""
    if bar.shape == "cross":
        cross = f'<path d="M{bar.x + bar.width / 2 - 2.5} {bar.y - MARK + 1}l5 5m0-5l-5 5"></path>'
    return (
        f'<g class="spark-bar tone-{bar.tone}"><title>{html.escape(bar.title)}</title>'
        f'<rect class="spark-hit" x="{bar.x}" y="0" width="{bar.width}" height="{HEIGHT}"></rect>'
        f'<rect{SHAPED.get(bar.shape, "")} x="{bar.x}" y="{bar.y}" width="{bar.width}"'
        f' height="{bar.height}" rx="1.5"></rect>{cross}</g>'
    )


@register.simple_tag(takes_context=True)
def kept_parameters(context: Context, *leave_out: str) -> list[tuple[str, str]]:
    """The GET parameters a filter form must carry along: all but the page, what is opened beside the list, and those
    named. In a form with `data-keeps`, app.js brings them up to what the address says by then."""
    request = context.get("request")
    if not request:
        return []
    dropped = {"page", "entry", *leave_out}
    return [(key, value) for key, values in request.GET.lists() if key not in dropped for value in values]


@register.simple_tag(takes_context=True)
def parameter(context: Context, name: str) -> str:
    """The value of one GET parameter, or nothing."""
    request = context.get("request")
    return request.GET.get(name, "") if request else ""


@register.simple_tag
def person(name: object, hint: str = "") -> SafeString:
    """A person's avatar and name; None or "" is unknown."""
    return _person("" if name is None else str(name), hint)


@lru_cache(maxsize=1_000)  # the same few people stand in every row of a list
def _person(name: str, hint: str) -> SafeString:
    if not name:
        return format_html('<span class="person muted">{}<span>unknown</span></span>', icon("help"))
    title = format_html(' title="{}"', hint) if hint else ""
    return format_html('<span class="person"{}>{}<bdi>{}</bdi></span>', title, avatar(name, "small"), name)


@register.simple_tag
def avatar(name: object, size: str = "") -> SafeString:
    """The initials of a name on its colour; `size` is "small" or "large"."""
    return format_html(
        '<span class="avatar hue-{}{}" title="{}" aria-hidden="true">{}</span>',
        sum(str(name).encode()) % 8,  # stays with the name
        f" avatar-{size}" if size else "",
        name,
        formatting.initials(str(name or "")),
    )


@register.simple_tag
def percent(share: float | None) -> str:
    """A share of 1 in per cent; only what is whole is 100 %, and only nothing is 0 %."""
    return formatting.percent(share)


@register.filter
def at_key(found: dict[Any, Any], key: Any) -> Any:
    """What a dictionary holds under a key that the template has in a variable."""
    return found.get(key)


@register.filter
def duration(value: object) -> str:
    """Seconds or a timedelta in words."""
    return formatting.duration(value)


@register.filter
def cadence(value: object) -> str:
    """How often a schedule fires, in words."""
    return formatting.cadence(str(value or ""))


@register.filter
def thousands(value: object) -> str:
    """A number with separators."""
    return formatting.thousands(value)


@register.filter
def truncate_middle(value: object, length: int = 40) -> str:
    """Text of at most `length` characters with both ends kept."""
    return formatting.truncate_middle(str(value), int(length))


@register.filter
def breakable(name: object) -> SafeString:
    """The name of a view or column, which a narrow column breaks at its dots and underscores and never in a word."""
    text = str(name or "")
    if len(text) <= NEVER_BROKEN:
        return conditional_escape(text)
    parts = (escape(part[at : at + NEVER_BROKEN]) for part in _WORD_OF_NAME.findall(text) for at in _pieces(part))
    return SafeString("<wbr>".join(parts))


def _pieces(part: str) -> range:
    """Where a word begins anew: only one that is too long for any column does."""
    return range(0, len(part), NEVER_BROKEN)


@register.filter
def initials(name: object) -> str:
    """One or two capitals for an avatar."""
    return formatting.initials(str(name or ""))
