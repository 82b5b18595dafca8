SELECT
    id AS person_id,
    lower(properties.email) AS email,
    properties.$initial_utm_source AS first_utm_source,
    properties.$geoip_country_code AS country,
    is_identified,
    created_at AS first_seen_at
FROM persons
