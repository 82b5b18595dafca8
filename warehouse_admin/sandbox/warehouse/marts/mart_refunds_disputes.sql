SELECT
    toStartOfMonth(r.refunded_at) AS month,
    r.reason AS reason,
    'refund' AS kind,
    count() AS cases,
    sum(r.refund_amount) AS amount
FROM stg_stripe_refunds AS r
GROUP BY month, reason

UNION ALL

SELECT
    toStartOfMonth(d.disputed_at) AS month,
    d.reason AS reason,
    'dispute' AS kind,
    count() AS cases,
    sum(d.dispute_amount) AS amount
FROM stg_stripe_disputes AS d
GROUP BY month, reason
