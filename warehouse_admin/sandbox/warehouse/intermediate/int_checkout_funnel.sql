WITH steps AS (
    SELECT
        session_id,
        countIf(step = 'product viewed') > 0 AS has_viewed,
        countIf(step = 'cart updated') > 0 AS has_cart,
        countIf(step = 'checkout started') > 0 AS has_checkout,
        countIf(step = 'payment submitted') > 0 AS has_payment,
        countIf(step = 'order placed') > 0 AS has_order,
        max(cart_value) AS cart_value
    FROM stg_events_checkout
    GROUP BY session_id
)
SELECT
    s.session_id AS session_id,
    toDate(s.started_at) AS session_date,
    s.device_type AS device_type,
    coalesce(s.utm_source, 'direct') AS utm_source,
    st.has_viewed AS has_viewed,
    st.has_cart AS has_cart,
    st.has_checkout AS has_checkout,
    st.has_payment AS has_payment,
    st.has_order AS has_order,
    st.cart_value AS cart_value
FROM int_sessions AS s
LEFT JOIN steps AS st ON st.session_id = s.session_id
