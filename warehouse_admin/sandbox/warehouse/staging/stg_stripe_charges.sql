-- One row per successful or failed charge, amounts in major units.
SELECT
    id AS charge_id,
    customer_id,
    invoice_id,
    amount / 100 AS amount,
    amount_refunded / 100 AS refunded_amount,
    upper(currency) AS currency,
    status,
    paid AS is_paid,
    payment_method_type AS payment_method,
    coalesce(failure_code, 'none') AS failure_code,
    toDate(created_at) AS charge_date,
    created_at AS charged_at
FROM stripe_charges
WHERE created_at >= toDateTime('2022-01-01 00:00:00')
