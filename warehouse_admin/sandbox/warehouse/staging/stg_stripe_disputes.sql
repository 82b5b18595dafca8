SELECT
    id AS dispute_id,
    charge_id,
    amount / 100 AS dispute_amount,
    reason,
    status,
    status IN ('lost', 'warning_closed') AS is_lost,
    created_at AS disputed_at,
    evidence_due_by
FROM stripe_disputes
