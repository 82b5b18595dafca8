"""`owner:`, `tag:`, `certified:` and `deprecated:` in the search of views."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from warehouse_admin.accounts.models import User
from warehouse_admin.catalog import selectors, tags
from warehouse_admin.catalog.models import Tag, Trust
from warehouse_admin.mirror.search.operators import Asked, Offer, Operator, Unusable, from_list

OFFERED = 10
ME, NONE = "me", "none"
YES, NO, SUSPENDED = "yes", "no", Trust.SUSPENDED


def _with(condition: Q) -> Q:
    """The views with an entry that fulfils it."""
    entries = selectors.described(condition)
    return Q(Exists(entries.filter(connection=OuterRef("connection"), posthog_id=OuterRef("posthog_id"))))


def _owned(value: str, asked: Asked) -> Q:
    if value.lower() == NONE:
        return ~_with(Q(owner__isnull=False))
    if value.lower() == ME:
        return _with(Q(owner=asked.user.pk if asked.user else None))
    person = User.objects.filter(username__iexact=value).values_list("pk", flat=True).first()
    if person is None:
        raise Unusable("Nobody here has that user name. Use owner:me, owner:none or the user name of a person.")
    return _with(Q(owner=person))


def _tagged(value: str, asked: Asked) -> Q:
    name = tags.normal(value)
    if name == NONE:
        return ~_with(Q(tags__isnull=False))
    if not Tag.objects.filter(name=name).exists():
        raise Unusable("No such tag was ever used. Use tag:none or a tag that something has.")
    return _with(Q(tags__name=name))


def _certified(value: str, asked: Asked) -> Q:
    if value.lower() in (YES, NO):
        holding = _with(Trust.in_state(Trust.Word.CERTIFIED, "trust__"))
        return holding if value.lower() == YES else ~holding
    if value.lower() == SUSPENDED:
        return _with(Trust.in_state(SUSPENDED, "trust__"))
    raise Unusable("Use certified:yes, certified:no or certified:suspended.")


def _deprecated(value: str, asked: Asked) -> Q:
    if value.lower() not in (YES, NO):
        raise Unusable("Use deprecated:yes or deprecated:no.")
    deprecated = _with(Trust.in_state(Trust.Word.DEPRECATED, "trust__"))
    return deprecated if value.lower() == YES else ~deprecated


def _certified_values(typed: str, asked: Asked) -> list[Offer]:
    offers = [Offer(YES, "somebody vouches for it"), Offer(NO, "nobody does"), Offer(SUSPENDED, "no longer holds")]
    return from_list(offers, typed)


def _deprecated_values(typed: str, asked: Asked) -> list[Offer]:
    return from_list([Offer(YES, "not to be built on any more"), Offer(NO, "all the others")], typed)


def _owners(typed: str, asked: Asked) -> list[Offer]:
    own = from_list([Offer(ME, "what you answer for"), Offer(NONE, "nobody answers for it")], typed)
    return [*own, *(Offer(user.username, user.display_name) for user in selectors.owners(typed, OFFERED))]


def _tags(typed: str, asked: Asked) -> list[Offer]:
    used = [Offer(name, "tag") for name in selectors.tags_in_use(tags.normal(typed), OFFERED)]
    return [*used, *from_list([Offer(NONE, "has no tag")], typed)]


OWNER = Operator("owner", "Who answers for it", "owner:me", _owned, _owners, one_of=True)
TAG = Operator("tag", "What it is tagged with", "tag:finance", _tagged, _tags)
CERTIFIED = Operator(
    "certified", "Whether somebody vouches for it", "certified:yes", _certified, _certified_values, one_of=True
)
DEPRECATED = Operator(
    "deprecated", "Whether it is to be built on no more", "deprecated:no", _deprecated, _deprecated_values, one_of=True
)
