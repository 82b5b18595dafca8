-- 📦 What people say in tickets, in one word
-- (grüße an das Support-Team ❤️)
SELECT
    toStartOfWeek(created_at) AS week,
    multiIf(
        subject ILIKE '%late%', '🚚 late',
        subject ILIKE '%broken%', '💥 broken',
        subject ILIKE '%love%', '❤️ praise',
        '🤷 other'
    ) AS theme,
    count() AS tickets
FROM stg_zendesk_tickets
GROUP BY week, theme
