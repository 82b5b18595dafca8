-- A year of page views, trimmed to what the marts use.
SELECT
    uuid AS event_id,
    person_id,
    properties.$session_id AS session_id,
    properties.$current_url AS url,
    properties.$pathname AS path,
    properties.utm_source AS utm_source,
    properties.utm_campaign AS utm_campaign,
    properties.$device_type AS device_type,
    timestamp AS viewed_at
FROM events
WHERE event = '$pageview'
  AND timestamp >= now() - INTERVAL 365 DAY
