from __future__ import annotations

from django.urls import path

from warehouse_admin.changes.views import (
    actions,
    co_authors,
    conflict,
    detail,
    drafts,
    editing,
    lists,
    proposing,
    scheduling,
)

app_name = "changes"
urlpatterns = [
    path("changes/", lists.change_list, name="list"),
    path("changes/completions/", editing.completions, name="completions"),
    path("changes/validate/", editing.validate, name="validate"),
    path("changes/new-view/", proposing.new_view, name="new-view"),
    path("saved-queries/<uuid:posthog_id>/edit/", editing.propose, name="propose"),
    path("saved-queries/<uuid:posthog_id>/propose/<str:action>/", proposing.propose_action, name="propose-action"),
    path(
        "saved-queries/<uuid:posthog_id>/propose/<str:action>/preview/",
        proposing.preview_action,
        name="preview-action",
    ),
    path("saved-queries/<uuid:posthog_id>/draft/", drafts.save_of_view, name="view-draft"),
    path("saved-queries/<uuid:posthog_id>/draft/discard/", drafts.discard_of_view, name="view-draft-discard"),
    path("saved-queries/<uuid:posthog_id>/editors/", drafts.editors, name="view-editors"),
    path("saved-queries/new/<slug:slug>/draft/", drafts.save_of_new_view, name="new-view-draft"),
    path("saved-queries/new/<slug:slug>/draft/discard/", drafts.discard_of_new_view, name="new-view-draft-discard"),
    path("changes/<int:number>/", detail.detail, name="detail"),
    path("changes/<int:number>/base/", detail.detail_base, name="detail-base"),
    path("changes/<int:number>/status/", detail.detail_status, name="detail-status"),
    path("changes/<int:number>/revise/", editing.revise, name="revise"),
    path("changes/<int:number>/draft/", drafts.save_of_change, name="draft"),
    path("changes/<int:number>/draft/discard/", drafts.discard_of_change, name="draft-discard"),
    path("changes/<int:number>/rebase/", conflict.rebase, name="rebase"),
    path("changes/<int:number>/moved/<int:revision>/", conflict.moved, name="moved"),
    path("changes/<int:number>/drop/", actions.drop, name="drop"),
    path("changes/<int:number>/carry-over/", actions.carry_over, name="carry-over"),
    path("changes/<int:number>/submit/", actions.submit, name="submit"),
    path("changes/<int:number>/approve/", actions.approve, name="approve"),
    path("changes/<int:number>/request-changes/", actions.request_changes, name="request-changes"),
    path("changes/<int:number>/comment/", actions.comment, name="comment"),
    path("changes/<int:number>/re-request/", actions.re_request, name="re-request"),
    path("changes/<int:number>/dismiss/<str:voter>/", actions.dismiss, name="dismiss"),
    path("changes/<int:number>/reopen/", actions.reopen, name="reopen"),
    path("changes/<int:number>/schedule/", scheduling.schedule, name="schedule"),
    path("changes/<int:number>/unschedule/", actions.unschedule, name="unschedule"),
    path("changes/<int:number>/co-authors/", co_authors.co_authors, name="co-authors"),
    path("changes/<int:number>/reject/", actions.reject, name="reject"),
    path("changes/<int:number>/withdraw/", actions.withdraw, name="withdraw"),
    path("changes/<int:number>/apply/", actions.apply, name="apply"),
    path("changes/<int:number>/rollback/", actions.rollback, name="rollback"),
]
