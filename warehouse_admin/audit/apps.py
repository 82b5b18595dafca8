from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "warehouse_admin.audit"
