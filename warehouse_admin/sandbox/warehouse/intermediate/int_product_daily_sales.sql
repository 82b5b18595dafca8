SELECT
    o.order_date AS sale_date,
    p.sku AS sku,
    p.category AS category,
    sum(oi.quantity) AS units,
    sum(oi.line_total) AS revenue,
    count(DISTINCT o.order_id) AS orders
FROM stg_app_order_items AS oi
JOIN stg_app_orders AS o ON o.order_id = oi.order_id
JOIN stg_app_products AS p ON p.product_id = oi.product_id
WHERE o.status != 'cancelled'
GROUP BY sale_date, sku, category
