from django.apps import AppConfig


class WarehouseAdminConfig(AppConfig):
    name = "warehouse_admin"
    label = "warehouse_admin"
