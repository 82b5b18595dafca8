from django.apps import AppConfig


class WarehouseAdminConfig(AppConfig):
    name = "warehouse_admin"
    label = "warehouse_admin"

    def ready(self) -> None:
        from warehouse_admin.core import lookups  # noqa: F401  registers itself
