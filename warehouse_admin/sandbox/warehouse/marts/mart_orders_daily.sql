SELECT
    o.order_date AS day,
    count() AS orders,
    countIf(o.is_first_order) AS first_orders,
    countIf(o.is_subscription) AS subscription_orders,
    sum(o.units) AS units,
    sum(o.total_usd) AS revenue,
    sum(m.margin_usd) AS margin,
    round(margin / nullIf(revenue, 0), 4) AS margin_share,
    uniq(o.user_id) AS customers
FROM int_orders_enriched AS o
JOIN int_order_margins AS m ON m.order_id = o.order_id
WHERE o.status NOT IN ('cancelled', 'refunded')
GROUP BY day
ORDER BY day DESC
