SELECT
    user_id,
    argMax(city, id) AS city,
    argMax(region, id) AS region,
    argMax(postal_code, id) AS postal_code,
    argMax(country, id) AS country
FROM postgres_addresses
WHERE is_default
GROUP BY user_id
