"""The pages about the API itself, and the answer for addresses that are none."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation

from warehouse_admin.api.errors import CONTENT_TYPE, problem


class Schema(SpectacularAPIView):
    """OpenAPI as YAML, or as JSON for `?format=json` or `Accept: application/json`."""

    authentication_classes = ()
    content_negotiation_class = DefaultContentNegotiation


class Docs(SpectacularSwaggerSplitView):
    authentication_classes = ()
    content_negotiation_class = DefaultContentNegotiation
    url_name = "api:schema"


@csrf_exempt
def unknown(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
    """A missing slash at the end is mended, method and body kept; anything else is not here."""
    try:
        mended = resolve(f"{request.path_info}/")
    except Resolver404:
        mended = None
    if mended is not None and mended.func is not unknown:
        path, _, query = request.get_full_path().partition("?")
        response = HttpResponse(status=308)
        response["Location"] = f"{path}/?{query}" if query else f"{path}/"
        return response
    told = "There is no such address in this API, or the id in it is malformed. See /api/v1/docs/."
    return JsonResponse(problem(404, told).data, status=404, content_type=CONTENT_TYPE)
