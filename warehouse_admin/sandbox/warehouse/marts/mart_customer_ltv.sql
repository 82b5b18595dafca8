SELECT
    c.user_id AS user_id,
    c.country AS country,
    c.signup_source AS signup_source,
    c.order_revenue AS order_revenue,
    c.mrr_usd * 12 AS annual_subscription_value,
    c.order_revenue + c.mrr_usd * 12 AS lifetime_value,
    ntile(10) OVER (ORDER BY lifetime_value DESC) AS value_rank
FROM mart_customer_360 AS c
WHERE c.orders > 0
