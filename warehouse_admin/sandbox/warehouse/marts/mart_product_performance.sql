WITH last_month AS (
    SELECT sku, category, sum(units) AS units, sum(revenue) AS revenue
    FROM int_product_daily_sales
    WHERE sale_date >= today() - 30
    GROUP BY sku, category
)
SELECT
    p.sku AS sku,
    p.product_title AS product_title,
    p.category AS category,
    coalesce(m.units, 0) AS units,
    coalesce(m.revenue, 0) AS revenue,
    coalesce(m.revenue, 0) - coalesce(m.units, 0) * p.unit_cost AS margin,
    rank() OVER (PARTITION BY p.category ORDER BY coalesce(m.revenue, 0) DESC) AS category_rank
FROM stg_app_products AS p
LEFT JOIN last_month AS m ON m.sku = p.sku
WHERE p.is_active
