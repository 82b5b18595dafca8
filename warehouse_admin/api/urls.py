"""Every address of the REST API, and those for probes."""

from __future__ import annotations

from django.urls import path, re_path

from warehouse_admin.accounts import api as accounts
from warehouse_admin.activity import api as activity
from warehouse_admin.activity import api_dealing as dealing
from warehouse_admin.activity import api_moments as moments
from warehouse_admin.api import health, metrics, schema, views  # noqa: F401  schema registers itself
from warehouse_admin.api.audit import AuditExports, AuditFilters, StopAuditExport
from warehouse_admin.audit import api as audit
from warehouse_admin.audit import export_api as audit_exports
from warehouse_admin.audit import saved_api as audit_saved
from warehouse_admin.catalog import api as catalog
from warehouse_admin.changes import api as changes
from warehouse_admin.changes import api_drafts as drafts
from warehouse_admin.changes import api_judging as judging
from warehouse_admin.changes import api_threads as threads
from warehouse_admin.interviews import api as interviews
from warehouse_admin.lineage import api as lineage
from warehouse_admin.lineage.lint import api as lint
from warehouse_admin.mirror import api as mirror
from warehouse_admin.schedules import statistics_api
from warehouse_admin.schedules.api import campaigns, pauses, runs

app_name = "api"
V1 = "api/v1"
VIEW = f"{V1}/saved-queries/<uuid:posthog_id>"
CHANGE = f"{V1}/changes/<int:number>"
THREAD = f"{CHANGE}/threads/<int:thread>"
EXPORT = f"{V1}/audit/exports/<uuid:export_id>"
ENTRY = f"{V1}/activity/<int:entry_id>"
CAMPAIGN = f"{V1}/schedules/resumes/<uuid:resume_id>"

urlpatterns = [
    path(f"{V1}/saved-queries/", mirror.SavedQueryList.as_view(), name="view-list"),
    path(f"{VIEW}/", catalog.DescribedQuery.as_view(), name="view-detail"),
    path(f"{VIEW}/versions/", mirror.VersionList.as_view(), name="view-versions"),
    path(f"{VIEW}/blame/", mirror.BlameOne.as_view(), name="view-blame"),
    path(f"{VIEW}/runs/", mirror.RunList.as_view(), name="view-runs"),
    path(f"{VIEW}/activity/", activity.EntriesOfView.as_view(), name="view-activity"),
    path(f"{VIEW}/lineage/", lineage.Lineage.as_view(), name="view-lineage"),
    path(f"{VIEW}/lineage/comparison/", lineage.CompareLineage.as_view(), name="view-lineage-comparison"),
    path(f"{VIEW}/refresh/", mirror.Refresh.as_view(), name="view-refresh"),
    path(f"{VIEW}/lint/", lint.LintOfView.as_view(), name="view-lint"),
    path(f"{V1}/saved-queries/new/lint/", lint.LintOfNewView.as_view(), name="new-view-lint"),
    path(f"{V1}/lint/rules/", lint.RuleList.as_view(), name="lint-rules"),
    path(f"{V1}/lint/rules/<slug:rule>/", lint.RuleOne.as_view(), name="lint-rule"),
    path(f"{V1}/lint/rules/<slug:rule>/level/", lint.RuleLevel.as_view(), name="lint-rule-level"),
    path(f"{V1}/lint/exemptions/", lint.ExemptionList.as_view(), name="lint-exemptions"),
    path(f"{V1}/lint/exemptions/<int:exemption_id>/revoke/", lint.RevokeExemption.as_view(), name="lint-revoke"),
    path(f"{V1}/format/", lint.Format.as_view(), name="format"),
    path(f"{VIEW}/impact/", judging.ImpactOfText.as_view(), name="view-impact"),
    path(f"{VIEW}/preview/", judging.PreviewOfText.as_view(), name="view-preview"),
    path(f"{VIEW}/draft/", drafts.DraftOfView.as_view(), name="view-draft"),
    path(f"{V1}/saved-queries/new/draft/", drafts.DraftOfNewView.as_view(), name="new-view-draft"),
    path(f"{VIEW}/run/", runs.RunNow.as_view(), name="view-run"),
    path(f"{VIEW}/cancel/", runs.CancelRun.as_view(), name="view-cancel"),
    path(f"{V1}/moments/", moments.Stood.as_view(), name="moment"),
    path(f"{V1}/moments/difference/", moments.DifferenceOfMoments.as_view(), name="moment-difference"),
    path(f"{V1}/connections/<slug:slug>/coverage/", accounts.Coverage.as_view(), name="connection-coverage"),
    path(f"{V1}/folders/", mirror.FolderList.as_view(), name="folder-list"),
    path(f"{V1}/tables/", mirror.TableList.as_view(), name="table-list"),
    path(f"{V1}/tables/<uuid:posthog_id>/", catalog.DescribedTable.as_view(), name="table-detail"),
    path(f"{V1}/tables/<uuid:posthog_id>/column-history/", mirror.ColumnHistory.as_view(), name="table-column-history"),
    path(f"{V1}/tables/<uuid:posthog_id>/readers/", mirror.TableReaders.as_view(), name="table-readers"),
    path(f"{V1}/changes/", changes.ChangeList.as_view(), name="change-list"),
    path(f"{CHANGE}/", changes.ChangeOne.as_view(), name="change-detail"),
    path(f"{CHANGE}/submit/", changes.Submit.as_view(), name="change-submit"),
    path(f"{CHANGE}/approve/", changes.Approve.as_view(), name="change-approve"),
    path(f"{CHANGE}/request-changes/", changes.RequestChanges.as_view(), name="change-request-changes"),
    path(f"{CHANGE}/re-request/", changes.ReRequest.as_view(), name="change-re-request"),
    path(f"{CHANGE}/dismiss/", changes.Dismiss.as_view(), name="change-dismiss"),
    path(f"{CHANGE}/comment/", changes.AddComment.as_view(), name="change-comment"),
    path(f"{CHANGE}/threads/", threads.ThreadList.as_view(), name="thread-list"),
    path(f"{THREAD}/", threads.ThreadOne.as_view(), name="thread-detail"),
    path(f"{THREAD}/reply/", threads.Reply.as_view(), name="thread-reply"),
    path(f"{THREAD}/resolve/", threads.Resolve.as_view(), name="thread-resolve"),
    path(f"{THREAD}/reopen/", threads.Reopen.as_view(), name="thread-reopen"),
    path(f"{CHANGE}/suggestions/accept/", threads.AcceptSuggestions.as_view(), name="suggestions-accept"),
    path(
        f"{CHANGE}/suggestions/<int:suggestion>/decline/",
        threads.DeclineSuggestion.as_view(),
        name="suggestion-decline",
    ),
    path(f"{CHANGE}/co-authors/", changes.SetCoAuthors.as_view(), name="change-co-authors"),
    path(f"{CHANGE}/reopen/", changes.Reopen.as_view(), name="change-reopen"),
    path(f"{CHANGE}/reject/", changes.Reject.as_view(), name="change-reject"),
    path(f"{CHANGE}/withdraw/", changes.Withdraw.as_view(), name="change-withdraw"),
    path(f"{CHANGE}/revise/", changes.Revise.as_view(), name="change-revise"),
    path(f"{CHANGE}/apply/", changes.Apply.as_view(), name="change-apply"),
    path(f"{CHANGE}/schedule/", changes.Schedule.as_view(), name="change-schedule"),
    path(f"{CHANGE}/rebase/", changes.Rebase.as_view(), name="change-rebase"),
    path(f"{CHANGE}/drop/", changes.Drop.as_view(), name="change-drop"),
    path(f"{CHANGE}/carry-over/", changes.CarryOver.as_view(), name="change-carry-over"),
    path(f"{CHANGE}/decide/", changes.Decide.as_view(), name="change-decide"),
    path(f"{CHANGE}/evidence/", changes.Evidence.as_view(), name="change-evidence"),
    path(f"{CHANGE}/rollback/", changes.Rollback.as_view(), name="change-rollback"),
    path(f"{VIEW}/runs/summary/", mirror.RunSummaryOne.as_view(), name="view-runs-summary"),
    path(f"{V1}/schedules/statistics/", statistics_api.RunStatistics.as_view(), name="run-statistics"),
    path(f"{V1}/schedules/pauses/", pauses.PauseList.as_view(), name="pause-list"),
    path(f"{V1}/schedules/pauses/<uuid:posthog_id>/wake/", pauses.PauseWake.as_view(), name="pause-wake"),
    path(f"{V1}/schedules/pauses/<uuid:posthog_id>/date/", pauses.PauseDate.as_view(), name="pause-date"),
    path(f"{V1}/schedules/resume/", campaigns.ResumeStart.as_view(), name="resume-start"),
    path(f"{V1}/schedules/pause/", campaigns.PauseStart.as_view(), name="pause-start"),
    path(f"{V1}/schedules/run/", campaigns.RunStart.as_view(), name="run-start"),
    path(f"{V1}/schedules/cadence/", campaigns.CadenceStart.as_view(), name="cadence-start"),
    path(f"{V1}/schedules/resumes/", campaigns.ResumeList.as_view(), name="resume-list"),
    path(f"{CAMPAIGN}/", campaigns.ResumeOne.as_view(), name="resume-detail"),
    path(f"{CAMPAIGN}/stop/", campaigns.ResumeStop.as_view(), name="resume-stop"),
    path(f"{CAMPAIGN}/pause/", campaigns.ResumePause.as_view(), name="resume-pause"),
    path(f"{CAMPAIGN}/continue/", campaigns.ResumeContinue.as_view(), name="resume-continue"),
    path(f"{CAMPAIGN}/confirm/", campaigns.ResumeConfirm.as_view(), name="resume-confirm"),
    path(f"{V1}/activity/", activity.EntryList.as_view(), name="activity-list"),
    path(f"{V1}/activity/<int:entry_id>/", activity.EntryOne.as_view(), name="activity-detail"),
    path(f"{V1}/activity/bulk/", dealing.Bulk.as_view(), name="activity-bulk"),
    path(f"{V1}/activity/undo/", dealing.Undo.as_view(), name="activity-undo"),
    path(f"{V1}/activity/meter/", dealing.MeterNow.as_view(), name="activity-meter"),
    path(f"{V1}/activity/folders/", dealing.Folders.as_view(), name="activity-folders"),
    path(f"{V1}/activity/searches/", dealing.Searches.as_view(), name="activity-searches"),
    path(f"{V1}/activity/searches/<int:search_id>/", dealing.SearchOne.as_view(), name="activity-search"),
    path(f"{ENTRY}/review/", activity.Review.as_view(), name="activity-review"),
    path(f"{ENTRY}/adopt/", dealing.Adopt.as_view(), name="activity-adopt"),
    path(f"{ENTRY}/revert/", dealing.Revert.as_view(), name="activity-revert"),
    path(f"{ENTRY}/ask/", dealing.Ask.as_view(), name="activity-ask"),
    path(f"{ENTRY}/answer/", dealing.Answer.as_view(), name="activity-answer"),
    path(f"{ENTRY}/assign/", dealing.Assign.as_view(), name="activity-assign"),
    path(f"{ENTRY}/snooze/", dealing.Snooze.as_view(), name="activity-snooze"),
    path(f"{ENTRY}/reopen/", dealing.Reopen.as_view(), name="activity-reopen"),
    path(f"{V1}/audit/", audit.AuditList.as_view(), name="audit-list"),
    path(f"{V1}/audit/checkpoints/", audit.CheckpointList.as_view(), name="audit-checkpoints"),
    path(f"{V1}/audit/keys/", audit.PublicKeyList.as_view(), name="audit-keys"),
    path(f"{V1}/audit/exports/", AuditExports.as_view(), name="audit-exports"),
    path(f"{V1}/audit/filters/", AuditFilters.as_view(), name="audit-filters"),
    path(f"{V1}/audit/filters/<int:filter_id>/", audit_saved.FilterOne.as_view(), name="audit-filter"),
    path(f"{EXPORT}/", audit_exports.OneExport.as_view(), name="audit-export"),
    path(f"{EXPORT}/stop/", StopAuditExport.as_view(), name="audit-export-stop"),
    path(f"{EXPORT}/file/", audit_exports.ExportFile.as_view(), name="audit-export-file"),
    path(f"{V1}/audit/<int:sequence>/", audit.AuditOne.as_view(), name="audit-detail"),
    path(f"{V1}/interviews/", interviews.InterviewList.as_view(), name="interview-list"),
    path(f"{V1}/interviews/writes/<uuid:write_id>/", interviews.WriteOne.as_view(), name="interview-write"),
    path(f"{V1}/interviews/<uuid:posthog_id>/", interviews.InterviewOne.as_view(), name="interview-detail"),
    path(f"{V1}/sync/", mirror.SyncList.as_view(), name="sync-list"),
    path(f"{V1}/sync/<uuid:sync_id>/", mirror.SyncOne.as_view(), name="sync-detail"),
    path(f"{V1}/sync/<uuid:sync_id>/stop/", mirror.SyncStop.as_view(), name="sync-stop"),
    path(f"{V1}/sync/<uuid:sync_id>/confirm/", mirror.SyncConfirm.as_view(), name="sync-confirm"),
    path(f"{V1}/sync/<uuid:sync_id>/dismiss/", mirror.SyncDismiss.as_view(), name="sync-dismiss"),
    path(f"{V1}/schema/", views.Schema.as_view(), name="schema"),
    path(f"{V1}/docs/", views.Docs.as_view(), name="docs"),
    re_path(r"^(?:api/v1/)?health/live/?$", health.live, name="health-live"),
    re_path(r"^(?:api/v1/)?health/ready/?$", health.ready, name="health-ready"),
    re_path(r"^(?:api/v1/)?metrics/?$", metrics.metrics, name="metrics"),
    re_path(r"^api/.*$", views.unknown, name="unknown"),
]
