SELECT
    id AS refund_id,
    charge_id,
    amount / 100 AS refund_amount,
    coalesce(nullIf(reason, ''), 'unspecified') AS reason,
    created_at AS refunded_at
FROM stripe_refunds
WHERE status = 'succeeded'
