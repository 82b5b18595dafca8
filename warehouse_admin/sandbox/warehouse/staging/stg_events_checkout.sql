SELECT
    uuid AS event_id,
    person_id,
    properties.$session_id AS session_id,
    event AS step,
    toFloat(properties.cart_value) AS cart_value,
    properties.coupon AS coupon_code,
    timestamp AS happened_at
FROM events
WHERE event IN ('product viewed', 'cart updated', 'checkout started', 'payment submitted', 'order placed')
  AND timestamp >= now() - INTERVAL 365 DAY
