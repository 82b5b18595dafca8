SELECT
    id AS product_id,
    upper(sku) AS sku,
    title AS product_title,
    coalesce(category, 'Uncategorised') AS category,
    toFloat(unit_cost) AS unit_cost,
    toFloat(list_price) AS list_price,
    is_active,
    created_at
FROM postgres_products
