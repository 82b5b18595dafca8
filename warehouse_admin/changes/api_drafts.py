"""REST: the caller's own drafts."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from warehouse_admin.accounts.api import named_connection
from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes import drafts, serializers
from warehouse_admin.changes.models import Draft
from warehouse_admin.core.errors import InvalidInput, Missing
from warehouse_admin.core.rest.endpoints import Endpoint, SignedInRequest
from warehouse_admin.mirror.api import IN_CONNECTION, OfView

_PROJECT = OpenApiParameter("connection", description="The slug of the connection, where there are several.")


class OwnDraft(Endpoint):
    """The caller's draft about one thing: read, kept, discarded. Nobody else can read it."""

    none: ClassVar[str]
    kept: ClassVar[tuple[str, ...]] = ("query", "reason")  # what the body may hold; left out, all but the query stay

    def about(self) -> drafts.About:
        raise NotImplementedError

    def told(self, draft: Draft) -> dict[str, Any]:
        """What is answered beside the draft's own fields."""
        raise NotImplementedError

    def read(self) -> Response:
        draft = drafts.own(self.request.user, self.about())
        if draft is None:
            raise Missing(self.none)
        return self._shown(draft)

    def keep(self, wanted: dict[str, Any]) -> Response:
        about, seen = self.about(), wanted.pop("version", None)
        known = drafts.own(self.request.user, about)
        former = {name: getattr(known, name) if known else "" for name in self.kept}
        return self._shown(drafts.save(self.request.user, about, **{**former, **wanted}, seen=seen))

    def discard(self) -> Response:
        if not drafts.discard(self.request.user, self.about()):
            raise Missing(self.none)
        return Response(status=204)

    def _shown(self, draft: Draft) -> Response:
        fields = ("name", *self.kept, "version", "updated_at")
        return self.answer({name: getattr(draft, name) for name in fields} | self.told(draft))


@extend_schema(parameters=[IN_CONNECTION])
class DraftOfView(OwnDraft, OfView):
    """What the caller has begun to write for a view; nobody else can read it."""

    serializer_class = serializers.DraftDetail
    none = "You have no draft of this view."

    def get(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        return self.read()

    @extend_schema(request=serializers.DraftBody)
    def put(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Keep a text, which need not be right or complete; 409 if another tab saved over `version`."""
        return self.keep(self.clean(serializers.DraftBody))

    @extend_schema(responses={204: None})
    def delete(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Discard it."""
        return self.discard()

    def about(self) -> drafts.About:
        return self.view()

    def told(self, draft: Draft) -> dict[str, Any]:
        view = self.view()
        return {
            "saved_query": view.posthog_id,
            "name": view.name,
            "base_moved": drafts.base_moved(draft) is not None,
            "others": drafts.others_editing(view, besides=self.request.user),
        }


@extend_schema(parameters=[_PROJECT])
class DraftOfNewView(OwnDraft):
    """What the caller has begun to write for a view that does not exist yet; one for each connection."""

    serializer_class = serializers.NewDraftDetail
    none = "You have no draft of a new view."
    kept = ("name", "query", "reason")

    def get(self, request: SignedInRequest) -> Response:
        return self.read()

    @extend_schema(request=serializers.NewDraftBody)
    def put(self, request: SignedInRequest) -> Response:
        """Keep a name and a text, which need not be right or complete; 409 if another tab saved over `version`."""
        return self.keep(self.clean(serializers.NewDraftBody))

    @extend_schema(responses={204: None})
    def delete(self, request: SignedInRequest) -> Response:
        """Discard it."""
        return self.discard()

    def about(self) -> Connection:
        connection = named_connection(self.request.query_params.get("connection", ""))
        if connection is None:
            raise InvalidInput(
                "Say in which project.", errors={"connection": ["Name the connection: there are several."]}
            )
        return connection

    def told(self, draft: Draft) -> dict[str, Any]:
        return {"connection": self.about().slug}
