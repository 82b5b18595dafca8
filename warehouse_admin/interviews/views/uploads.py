"""Uploading a recording. Who may not is told before a byte of it is read."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from warehouse_admin.accounts.selectors import active_connections
from warehouse_admin.core.errors import UserError
from warehouse_admin.core.htmx import render_page, wants_fragment
from warehouse_admin.interviews import policies, services
from warehouse_admin.interviews.forms import UploadForm
from warehouse_admin.interviews.models import Write
from warehouse_admin.interviews.recordings import ToDisk
from warehouse_admin.interviews.views.shared import refusals, take_over


@csrf_exempt
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """The handler of the file must be set before anything reads the body: `_upload` checks the token afterwards."""
    policies.require_write(request.user, "interview.create")
    request.upload_handlers = [ToDisk(request)]
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    connections = list(active_connections())
    status = 200
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES, connections=connections)
        try:
            write = _create(request, form)
        except UserError as error:
            status = take_over(form, error)
        else:
            if write is not None:
                return _sent_on(request, write)
            status = 422
    else:
        chosen = next((one for one in connections if one.slug == request.GET.get("connection")), None)
        form = UploadForm(initial={"token": uuid4().hex, "connection": chosen}, connections=connections)
    context = {"form": form, "refusals": refusals(request.user, connections), "connections_known": bool(connections)}
    return render_page(request, "interviews/upload.html", "interviews/_upload_form.html", context, status=status)


def _create(request: HttpRequest, form: UploadForm) -> Write | None:
    """None where the form is wrong; what is wrong with the recording is told together with it."""
    user: Any = request.user
    recording = request.FILES.get("audio")
    if not form.is_valid():
        if "audio" not in form.errors:
            services.check_recording(recording)
        return None
    given = form.cleaned_data
    return services.create(
        user=user,
        connection=given["connection"],
        recording=recording,
        emails=given["interviewee_emails"],
        key=given["token"],
    )


def _sent_on(request: HttpRequest, write: Write) -> HttpResponse:
    if not wants_fragment(request):
        return redirect("interviews:write", write_id=write.pk)
    response = HttpResponse(status=200)
    response["HX-Redirect"] = reverse("interviews:write", args=[write.pk])
    return response
