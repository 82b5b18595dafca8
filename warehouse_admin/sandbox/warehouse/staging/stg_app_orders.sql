-- Orders that were really placed; carts stay in the application.
SELECT
    id AS order_id,
    user_id,
    status,
    upper(currency) AS currency,
    toFloat(subtotal) AS subtotal,
    toFloat(discount) AS discount,
    toFloat(shipping_fee) AS shipping_fee,
    toFloat(subtotal) - toFloat(discount) + toFloat(shipping_fee) AS order_total,
    nullIf(coupon_code, '') AS coupon_code,
    is_subscription,
    toDate(placed_at) AS order_date,
    placed_at
FROM postgres_orders
WHERE status NOT IN ('cart', 'abandoned')
