SELECT
    c.id AS id,
    c.name AS name,
    c.email AS email,
    c.country AS country,
    toStartOfMonth(c.created_at) AS cohort
FROM stripe_customers AS c
