"""Who is signed in, read with what every page asks for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

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
        sql, parameters = _reading()
        user: Any = next(iter(User.objects.raw(sql, [*parameters, user_id])), None)
        if user is None or not self.user_can_authenticate(user):
            return None
        user.group_names = json.loads(user.group_names or "[]")  # raw SQL gives JSON as text
        return cast(User, user)


@lru_cache
def _reading() -> tuple[str, Sequence[Any]]:
    """SQL that reads a person, whose key is to be its last parameter; written once, because every request asks."""
    names = Each("groups__name", filter=Q(groups__isnull=False))
    known = User.objects.annotate(group_names=names, trail_length=trail_length())
    sql, parameters = known.filter(pk=0).query.sql_with_params()
    return sql, parameters[:-1]
