SELECT
    toStartOfWeek(t.created_at) AS week,
    t.channel AS channel,
    count() AS tickets,
    uniq(t.requester_email) AS customers,
    round(tickets / nullIf(any(o.orders), 0) * 1000, 2) AS tickets_per_thousand_orders
FROM int_ticket_resolution AS t
LEFT JOIN (
    SELECT toStartOfWeek(day) AS week, sum(orders) AS orders
    FROM mart_orders_daily
    GROUP BY week
) AS o ON o.week = toStartOfWeek(t.created_at)
GROUP BY week, channel
