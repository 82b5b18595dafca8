SELECT
    id AS stripe_product_id,
    name AS product_name,
    active AS is_active,
    multiIf(
        name ILIKE '%starter%', 'Starter',
        name ILIKE '%family%', 'Family',
        name ILIKE '%office%', 'Office',
        'Other'
    ) AS plan_family,
    created_at
FROM stripe_products
