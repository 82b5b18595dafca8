WITH items AS (
    SELECT
        order_id,
        count() AS line_count,
        sum(quantity) AS units,
        sum(line_total) AS items_total
    FROM stg_app_order_items
    GROUP BY order_id
)
SELECT
    o.order_id AS order_id,
    o.user_id AS user_id,
    o.order_date AS order_date,
    o.placed_at AS placed_at,
    o.status AS status,
    o.is_subscription AS is_subscription,
    o.coupon_code AS coupon_code,
    i.line_count AS line_count,
    i.units AS units,
    o.order_total * coalesce(fx.usd_rate, 1) AS total_usd,
    row_number() OVER (PARTITION BY o.user_id ORDER BY o.placed_at) AS order_number,
    order_number = 1 AS is_first_order
FROM stg_app_orders AS o
LEFT JOIN items AS i ON i.order_id = o.order_id
LEFT JOIN stg_fx_rates AS fx ON fx.currency = o.currency AND fx.rate_date = o.order_date
