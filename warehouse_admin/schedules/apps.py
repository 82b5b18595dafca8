from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    name = "warehouse_admin.schedules"

    def ready(self) -> None:
        from warehouse_admin.mirror import hooks
        from warehouse_admin.schedules import offers

        hooks.proposals.append(offers.menu)
