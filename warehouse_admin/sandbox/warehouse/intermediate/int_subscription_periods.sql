-- One row per subscription with its plan and what it is worth a month.
SELECT
    s.subscription_id AS subscription_id,
    s.customer_id AS customer_id,
    pr.product_name AS plan_name,
    pr.plan_family AS plan_family,
    p.billing_interval AS billing_interval,
    s.quantity * p.monthly_price * coalesce(fx.usd_rate, 1) AS mrr_usd,
    s.status AS status,
    s.is_trialing AS is_trialing,
    toStartOfMonth(s.started_at) AS start_month,
    if(s.canceled_at IS NULL, NULL, toStartOfMonth(s.canceled_at)) AS end_month
FROM stg_stripe_subscriptions AS s
JOIN stg_stripe_prices AS p ON p.price_id = s.price_id
JOIN stg_stripe_products AS pr ON pr.stripe_product_id = p.stripe_product_id
LEFT JOIN stg_fx_rates AS fx ON fx.currency = p.currency AND fx.rate_date = toDate(s.started_at)
WHERE NOT s.is_trialing
