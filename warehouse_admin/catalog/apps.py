from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "warehouse_admin.catalog"

    def ready(self) -> None:
        from warehouse_admin.catalog import cards, searching, selectors
        from warehouse_admin.mirror import hooks

        hooks.descriptions.append(selectors.descriptions)
        hooks.owner_names.append(selectors.with_owner_name)
        hooks.cards.append(cards.card)
        hooks.bulk_acts.append(cards.bulk_acts)
        hooks.search_operators += [searching.OWNER, searching.TAG]
