from django.apps import AppConfig


class MirrorConfig(AppConfig):
    name = "warehouse_admin.mirror"
