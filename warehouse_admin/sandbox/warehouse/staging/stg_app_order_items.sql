SELECT
    id AS order_item_id,
    order_id,
    product_id,
    quantity,
    toFloat(unit_price) AS unit_price,
    toFloat(discount) AS discount,
    quantity * toFloat(unit_price) - toFloat(discount) AS line_total
FROM postgres_order_items
WHERE quantity > 0
