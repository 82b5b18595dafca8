SELECT
    toStartOfWeek(created_at) AS week,
    priority,
    count() AS tickets,
    round(avg(first_reply_minutes), 1) AS reply_minutes,
    round(quantile(0.9)(resolution_hours), 1) AS resolution_hours_p90,
    round(countIf(is_within_target) / count(), 4) AS within_target_share
FROM int_ticket_resolution
GROUP BY week, priority
ORDER BY week DESC, priority
