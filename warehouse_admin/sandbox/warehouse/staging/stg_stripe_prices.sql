-- Every price as an amount per month, whatever it is billed by.
SELECT
    p.id AS price_id,
    p.product_id AS stripe_product_id,
    upper(p.currency) AS currency,
    p.recurring_interval AS billing_interval,
    p.unit_amount / 100 AS unit_price,
    multiIf(
        p.recurring_interval = 'year', p.unit_amount / 100 / 12,
        p.recurring_interval = 'week', p.unit_amount / 100 * 52 / 12,
        p.unit_amount / 100 / greatest(p.recurring_interval_count, 1)
    ) AS monthly_price
FROM stripe_prices AS p
WHERE p.recurring_interval IS NOT NULL
