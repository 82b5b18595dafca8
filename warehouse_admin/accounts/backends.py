"""Who is signed in, read with their roles."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.db.models import Q

from warehouse_admin.accounts.models import User
from warehouse_admin.core.counts import Each


class PeopleBackend(ModelBackend):
    """Django's own, but for one thing: whoever is signed in comes with the names of their groups, in one query.

    Every page asks for both (`roles.roles_of`).
    """

    def get_user(self, user_id: int) -> User | None:
        names = Each("groups__name", filter=Q(groups__isnull=False))
        user = User.objects.annotate(group_names=names).filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
