-- New, expansion, contraction and churn, month by month.
WITH monthly AS (
    SELECT
        customer_id,
        start_month AS month,
        sum(mrr_usd) AS mrr_usd
    FROM int_subscription_periods
    GROUP BY customer_id, start_month
),
compared AS (
    SELECT
        customer_id,
        month,
        mrr_usd,
        lagInFrame(mrr_usd) OVER (PARTITION BY customer_id ORDER BY month) AS previous_mrr
    FROM monthly
)
SELECT
    customer_id,
    month,
    mrr_usd,
    coalesce(previous_mrr, 0) AS previous_mrr,
    mrr_usd - coalesce(previous_mrr, 0) AS movement_usd,
    multiIf(
        coalesce(previous_mrr, 0) = 0, 'new',
        mrr_usd = 0, 'churn',
        mrr_usd > previous_mrr, 'expansion',
        mrr_usd < previous_mrr, 'contraction',
        'unchanged'
    ) AS movement
FROM compared
