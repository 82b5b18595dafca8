SELECT id, name, active
FROM stripe_products
