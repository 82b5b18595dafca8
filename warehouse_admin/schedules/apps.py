from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    name = "warehouse_admin.schedules"
