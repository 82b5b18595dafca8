from django.apps import AppConfig


class ActivityConfig(AppConfig):
    name = "warehouse_admin.activity"
