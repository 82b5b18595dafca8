"""People by their names; built in to every template. The names of all that are known are read once for a page."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from warehouse_admin.core.templatetags import ui
from warehouse_admin.mirror import known_people

register = template.Library()


@register.simple_tag(takes_context=True)
def known_person(context: Context, name: object) -> SafeString:
    """What `person` shows, for a user name or an address; either becomes a hint. None or "" is unknown."""
    text = str(name or "")
    shown = _known(context).get(text.lower(), text)
    return ui.person(shown, hint=text if text != shown else "")


@register.simple_tag(takes_context=True)
def person_name(context: Context, name: object, nobody: str = "") -> SafeString:
    """The name alone; the address or user name that stood for it is a hint. `nobody` is said where there is none."""
    text = str(name or "")
    if not text:
        return format_html("{}", nobody)
    shown = _known(context).get(text.lower(), text)
    return format_html('<bdi title="{}">{}</bdi>', text, shown) if shown != text else format_html("<bdi>{}</bdi>", text)


@register.simple_tag(takes_context=True)
def named(context: Context, text: object) -> str:
    """A sentence with the names of the people that it gives the addresses or user names of."""
    return known_people.named(str(text or ""), _known(context))


def _known(context: Context) -> Mapping[str, str]:
    """Read once for a page, where the page has the context of all pages."""
    found: Mapping[str, str] | None = context.get("known_people")
    return known_people.names() if found is None else found
