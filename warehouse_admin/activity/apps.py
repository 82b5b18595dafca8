from django.apps import AppConfig


class ActivityConfig(AppConfig):
    name = "warehouse_admin.activity"

    def ready(self) -> None:
        from warehouse_admin.activity import receivers  # noqa: F401  connects them
