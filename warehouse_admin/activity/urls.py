from __future__ import annotations

from django.urls import path

from warehouse_admin.activity import views

app_name = "activity"
urlpatterns = [
    path("activity/", views.inbox, name="list"),
    path("activity/review/", views.review_many, name="review-many"),
    path("activity/<int:pk>/", views.detail, name="detail"),
    path("activity/<int:pk>/review/", views.review, name="review"),
    path("saved-queries/<uuid:posthog_id>/activity/", views.for_view, name="for-view"),
]
