-- Charges less refunds and lost disputes, in US dollars.
WITH refunds AS (
    SELECT charge_id, sum(refund_amount) AS refunded
    FROM stg_stripe_refunds
    GROUP BY charge_id
),
lost AS (
    SELECT charge_id, sum(dispute_amount) AS lost_amount
    FROM stg_stripe_disputes
    WHERE is_lost
    GROUP BY charge_id
)
SELECT
    c.charge_id AS charge_id,
    c.customer_id AS customer_id,
    c.invoice_id AS invoice_id,
    c.charge_date AS charge_date,
    c.payment_method AS payment_method,
    c.amount * coalesce(fx.usd_rate, 1) AS gross_usd,
    coalesce(r.refunded, 0) * coalesce(fx.usd_rate, 1) AS refunded_usd,
    coalesce(l.lost_amount, 0) * coalesce(fx.usd_rate, 1) AS disputed_usd,
    gross_usd - refunded_usd - disputed_usd AS net_usd
FROM stg_stripe_charges AS c
LEFT JOIN refunds AS r ON r.charge_id = c.charge_id
LEFT JOIN lost AS l ON l.charge_id = c.charge_id
LEFT JOIN stg_fx_rates AS fx ON fx.currency = c.currency AND fx.rate_date = c.charge_date
WHERE c.is_paid
