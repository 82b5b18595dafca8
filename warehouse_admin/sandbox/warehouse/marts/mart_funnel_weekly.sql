SELECT
    toStartOfWeek(session_date) AS week,
    device_type,
    utm_source,
    count() AS sessions,
    countIf(has_viewed) AS viewed,
    countIf(has_cart) AS carted,
    countIf(has_checkout) AS checkouts,
    countIf(has_payment) AS payments,
    countIf(has_order) AS orders,
    round(orders / nullIf(sessions, 0), 4) AS conversion_rate
FROM int_checkout_funnel
WHERE session_date >= today() - 182
GROUP BY week, device_type, utm_source
ORDER BY week DESC, sessions DESC
