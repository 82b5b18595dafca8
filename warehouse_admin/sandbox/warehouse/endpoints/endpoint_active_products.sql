SELECT sku, product_title, list_price
FROM stg_app_products
WHERE is_active
