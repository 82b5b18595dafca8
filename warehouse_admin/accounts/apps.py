from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "warehouse_admin.accounts"
