SELECT
    i.invoice_id AS invoice_id,
    c.customer_name AS customer_name,
    c.email AS email,
    i.open_usd AS open_usd,
    dateDiff('day', i.invoiced_at, now()) AS age_days,
    multiIf(age_days > 90, '90+', age_days > 30, '31-90', '0-30') AS age_bucket
FROM int_invoices_usd AS i
JOIN stg_stripe_customers AS c ON c.customer_id = i.customer_id
WHERE i.open_usd > 0
