from django.apps import AppConfig


class LineageConfig(AppConfig):
    name = "warehouse_admin.lineage"
