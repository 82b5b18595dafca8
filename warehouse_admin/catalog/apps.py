from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "warehouse_admin.catalog"

    def ready(self) -> None:
        from warehouse_admin.catalog import cards, receivers, searching, selectors
        from warehouse_admin.mirror import hooks

        hooks.descriptions.append(selectors.descriptions)
        hooks.owner_names.append(selectors.with_owner_name)
        hooks.trusts.append(selectors.trusted)
        hooks.cards.append(cards.cards)
        hooks.bulk_acts.append(cards.bulk_acts)
        hooks.search_operators += [searching.OWNER, searching.TAG, searching.CERTIFIED, searching.DEPRECATED]
        receivers.listen()
