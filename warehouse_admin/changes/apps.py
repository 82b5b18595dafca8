from django.apps import AppConfig


class ChangesConfig(AppConfig):
    name = "warehouse_admin.changes"
