SELECT
    id AS user_id,
    lower(email) AS email,
    full_name,
    upper(country) AS country,
    coalesce(nullIf(signup_source, ''), 'direct') AS signup_source,
    stripe_customer_id,
    created_at AS signed_up_at,
    deleted_at IS NOT NULL AS is_deleted
FROM postgres_users
WHERE email NOT ILIKE '%+test@%'
