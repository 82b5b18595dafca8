from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "warehouse_admin.catalog"

    def ready(self) -> None:
        from warehouse_admin.catalog import cards, history, receivers, searching, selectors, trusted
        from warehouse_admin.mirror import hooks

        hooks.descriptions.append(selectors.descriptions)
        hooks.owner_names.append(selectors.with_owner_name)
        hooks.trusts.append(selectors.trusted)
        hooks.view_trusts.append(trusted.of_views)
        hooks.views_by_trust.append(trusted.views_in)
        hooks.lost_certifications.append(trusted.lost)
        hooks.history.extend(history.SOURCES)
        hooks.cards.append(cards.cards)
        hooks.bulk_acts.append(cards.bulk_acts)
        hooks.search_operators += [searching.OWNER, searching.TAG, searching.CERTIFIED, searching.DEPRECATED]
        receivers.listen()
