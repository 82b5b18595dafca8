from django.apps import AppConfig


class MutationsConfig(AppConfig):
    name = "warehouse_admin.mutations"
