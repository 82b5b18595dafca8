-- The Monday page. One row a day, newest first.
SELECT
    r.day AS day,
    r.net_revenue AS net_revenue,
    r.net_revenue_7d AS net_revenue_7d,
    o.orders AS orders,
    o.margin_share AS margin_share,
    o.customers AS customers,
    m.closing_mrr AS closing_mrr,
    f.conversion_rate AS conversion_rate
FROM mart_revenue_daily AS r
LEFT JOIN mart_orders_daily AS o ON o.day = r.day
LEFT JOIN mart_mrr_monthly AS m ON m.month = toStartOfMonth(r.day)
LEFT JOIN (
    SELECT week, sum(orders) / sum(sessions) AS conversion_rate
    FROM mart_funnel_weekly
    GROUP BY week
) AS f ON f.week = toStartOfWeek(r.day)
WHERE r.day >= today() - 400
ORDER BY day DESC
