-- Trials are kept: churn leaves them out, the funnel does not.
SELECT
    s.id AS subscription_id,
    s.customer_id AS customer_id,
    s.price_id AS price_id,
    s.status AS status,
    greatest(s.quantity, 1) AS quantity,
    s.started_at AS started_at,
    s.canceled_at AS canceled_at,
    s.current_period_end AS current_period_end,
    s.trial_end IS NOT NULL AND s.trial_end > now() AS is_trialing
FROM stripe_subscriptions AS s
WHERE s.status != 'incomplete_expired'
