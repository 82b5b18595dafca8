"""REST: the caller's own drafts."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from warehouse_admin.changes import drafts, serializers
from warehouse_admin.changes.models import Draft
from warehouse_admin.core.errors import Missing
from warehouse_admin.core.rest.endpoints import SignedInRequest
from warehouse_admin.mirror.api import IN_CONNECTION, OfView
from warehouse_admin.mirror.models import SavedQuery

NONE = "You have no draft of this view."


@extend_schema(parameters=[IN_CONNECTION])
class DraftOfView(OfView):
    """What the caller has begun to write for a view; nobody else can read it."""

    serializer_class = serializers.DraftDetail

    def get(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        view = self.view()
        return self._shown(view, self._found(view))

    @extend_schema(request=serializers.DraftBody)
    def put(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Keep a text, which need not be right or complete; 409 if another tab saved over `version`."""
        wanted = self.clean(serializers.DraftBody)
        view = self.view()
        known = drafts.own(request.user, view)
        reason = wanted.get("reason", known.reason if known else "")
        kept = drafts.save(request.user, view, query=wanted["query"], reason=reason, seen=wanted.get("version"))
        return self._shown(view, kept)

    @extend_schema(responses={204: None})
    def delete(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Discard it."""
        if not drafts.discard(request.user, self.view()):
            raise Missing(NONE)
        return Response(status=204)

    def _found(self, view: SavedQuery) -> Draft:
        draft = drafts.own(self.request.user, view)
        if draft is None:
            raise Missing(NONE)
        return draft

    def _shown(self, view: SavedQuery, draft: Draft) -> Response:
        fields = ("query", "reason", "version", "updated_at")
        told = {name: getattr(draft, name) for name in fields} | {
            "saved_query": view.posthog_id,
            "name": view.name,
            "base_moved": drafts.base_moved(draft) is not None,
            "others": drafts.others_editing(view, besides=self.request.user),
        }
        return self.answer(told)
