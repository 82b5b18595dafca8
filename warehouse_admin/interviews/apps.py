from django.apps import AppConfig


class InterviewsConfig(AppConfig):
    name = "warehouse_admin.interviews"

    def ready(self) -> None:
        from warehouse_admin.interviews import receivers  # noqa: F401  connects them
