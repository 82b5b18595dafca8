SELECT
    s.id AS id,
    s.customer_id AS customer_id,
    p.product_id AS product_id,
    s.status AS status,
    s.started_at AS started_at,
    s.canceled_at AS ended_at
FROM stripe_subscriptions AS s
LEFT JOIN stripe_prices AS p ON p.id = s.price_id
