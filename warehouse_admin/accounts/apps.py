from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "warehouse_admin.accounts"

    def ready(self) -> None:
        from warehouse_admin.accounts import groups, sign_in

        post_migrate.connect(groups.give_permissions, dispatch_uid="accounts.give_permissions")
        sign_in.connect()
