SELECT
    id,
    customer_id,
    invoice_id,
    upper(currency) AS original_currency,
    amount / 100 AS amount,
    created_at AS timestamp
FROM stripe_charges
WHERE status = 'succeeded'
