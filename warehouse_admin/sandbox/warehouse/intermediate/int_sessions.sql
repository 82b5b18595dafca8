-- Sessions as we count them: first touch decides the source.
SELECT
    session_id,
    any(person_id) AS person_id,
    min(viewed_at) AS started_at,
    max(viewed_at) AS ended_at,
    count() AS page_count,
    argMin(path, viewed_at) AS landing_path,
    argMin(utm_source, viewed_at) AS utm_source,
    argMin(utm_campaign, viewed_at) AS utm_campaign,
    any(device_type) AS device_type,
    dateDiff('second', started_at, ended_at) AS duration_seconds
FROM stg_events_pageviews
WHERE session_id != ''
GROUP BY session_id
