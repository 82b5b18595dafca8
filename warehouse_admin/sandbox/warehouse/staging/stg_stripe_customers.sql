SELECT
    id AS customer_id,
    lower(trim(email)) AS email,
    name AS customer_name,
    upper(country) AS country,
    delinquent AS is_delinquent,
    JSONExtractString(metadata, 'app_user_id') AS app_user_id,
    created_at
FROM stripe_customers
WHERE email != ''
  AND email NOT ILIKE '%@harborgoods.example' -- our own test customers
