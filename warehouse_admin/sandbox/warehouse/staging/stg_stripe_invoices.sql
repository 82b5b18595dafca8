SELECT
    id AS invoice_id,
    customer_id,
    subscription_id,
    amount_due / 100 AS amount_due,
    amount_paid / 100 AS amount_paid,
    upper(currency) AS currency,
    status,
    toDate(period_start) AS period_start,
    toDate(period_end) AS period_end,
    created_at AS invoiced_at
FROM stripe_invoices
WHERE status NOT IN ('draft', 'void')
