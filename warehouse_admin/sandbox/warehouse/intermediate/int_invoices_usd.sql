SELECT
    i.invoice_id AS invoice_id,
    i.customer_id AS customer_id,
    i.subscription_id AS subscription_id,
    i.status AS status,
    i.period_start AS period_start,
    i.period_end AS period_end,
    i.amount_due * coalesce(fx.usd_rate, 1) AS due_usd,
    i.amount_paid * coalesce(fx.usd_rate, 1) AS paid_usd,
    due_usd - paid_usd AS open_usd,
    i.invoiced_at AS invoiced_at
FROM stg_stripe_invoices AS i
LEFT JOIN stg_fx_rates AS fx
    ON fx.currency = i.currency
    AND fx.rate_date = toDate(i.invoiced_at)
