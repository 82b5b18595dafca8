SELECT
    toStartOfMonth(now()) AS snapshot_month,
    plan_family,
    billing_interval,
    count(DISTINCT customer_id) AS customers,
    sum(mrr_usd) AS mrr_usd
FROM int_subscription_periods
WHERE end_month IS NULL
GROUP BY plan_family, billing_interval
