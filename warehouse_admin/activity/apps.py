from django.apps import AppConfig


class ActivityConfig(AppConfig):
    name = "warehouse_admin.activity"

    def ready(self) -> None:
        from warehouse_admin.activity import history, receivers  # noqa: F401  connects them
        from warehouse_admin.mirror import hooks

        hooks.history.extend(history.SOURCES)
