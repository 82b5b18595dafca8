"""Who is signed in, read with what every page asks for."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.db.models import Q

from warehouse_admin.accounts.models import User
from warehouse_admin.audit.standing import trail_length
from warehouse_admin.core.counts import Each


class PeopleBackend(ModelBackend):
    """Django's own, but for one thing: whoever is signed in comes with the names of their groups, in one query.

    Every page asks for them (`roles.roles_of`), and for how long the trail was when it began (`audit.standing`).
    """

    def get_user(self, user_id: int) -> User | None:
        names = Each("groups__name", filter=Q(groups__isnull=False))
        known = User.objects.annotate(group_names=names, trail_length=trail_length())
        user = known.filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
