/* Revenue, cost of goods and shipping of each order.
   Shipping cost is the sum over parcels. */
WITH costs AS (
    SELECT
        oi.order_id AS order_id,
        sum(oi.quantity * p.unit_cost) AS goods_cost
    FROM stg_app_order_items AS oi
    JOIN stg_app_products AS p ON p.product_id = oi.product_id
    GROUP BY oi.order_id
),
parcels AS (
    SELECT order_id, sum(shipping_cost) AS shipping_cost
    FROM stg_app_shipments
    GROUP BY order_id
)
SELECT
    o.order_id AS order_id,
    o.order_date AS order_date,
    o.total_usd AS revenue_usd,
    coalesce(c.goods_cost, 0) AS goods_cost,
    coalesce(s.shipping_cost, 0) AS shipping_cost,
    o.total_usd - coalesce(c.goods_cost, 0) - coalesce(s.shipping_cost, 0) AS margin_usd
FROM int_orders_enriched AS o
LEFT JOIN costs AS c ON c.order_id = o.order_id
LEFT JOIN parcels AS s ON s.order_id = o.order_id
