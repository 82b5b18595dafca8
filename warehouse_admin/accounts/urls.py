from __future__ import annotations

from django.urls import URLPattern, path

from warehouse_admin.accounts.views import connections, people, settings

app_name = "accounts"
urlpatterns: list[URLPattern] = [
    path("connections/", connections.connection_list, name="connection-list"),
    path("connections/new/", connections.connection_new, name="connection-new"),
    path("connections/<slug:slug>/edit/", connections.connection_edit, name="connection-edit"),
    path("connections/<slug:slug>/coverage/", connections.connection_coverage, name="connection-coverage"),
    path("connections/<slug:slug>/check/", connections.connection_check, name="connection-check"),
    path("connections/<slug:slug>/pause/", connections.connection_pause, name="connection-pause"),
    path("people/", people.people_list, name="people-list"),
    path("people/new/", people.person_new, name="person-new"),
    path("people/<int:pk>/edit/", people.person_edit, name="person-edit"),
    path("people/<int:pk>/password/", people.person_password, name="person-password"),
    path("settings/", settings.settings_page, name="settings"),
    path("settings/tokens/", settings.token_create, name="token-create"),
    path("settings/tokens/<int:pk>/revoke/", settings.token_revoke, name="token-revoke"),
    path("settings/keys/<slug:slug>/", settings.key_save, name="key-save"),
    path("settings/keys/<slug:slug>/remove/", settings.key_remove, name="key-remove"),
]
