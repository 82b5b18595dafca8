-- The last paid touch in the thirty days before an order.
WITH touches AS (
    SELECT
        se.person_id AS person_id,
        se.started_at AS touched_at,
        lower(se.utm_source) AS channel,
        se.utm_campaign AS campaign
    FROM int_sessions AS se
    WHERE se.utm_source != ''
)
SELECT
    o.order_id AS order_id,
    o.order_date AS order_date,
    argMax(t.channel, t.touched_at) AS channel,
    argMax(t.campaign, t.touched_at) AS campaign,
    any(o.total_usd) AS revenue_usd,
    any(o.is_first_order) AS is_first_order
FROM int_orders_enriched AS o
JOIN int_customer_identity AS ci ON ci.user_id = o.user_id
JOIN touches AS t ON t.person_id = ci.person_id
WHERE t.touched_at <= o.placed_at
  AND t.touched_at >= o.placed_at - INTERVAL 30 DAY
GROUP BY order_id, order_date
