-- Share of each starting cohort that is still subscribed, by months since start.
WITH cohorts AS (
    SELECT start_month AS cohort_month, count(DISTINCT customer_id) AS cohort_customers
    FROM int_subscription_periods
    GROUP BY start_month
),
kept AS (
    SELECT
        start_month AS cohort_month,
        dateDiff('month', start_month, coalesce(end_month, toStartOfMonth(now()))) AS months_kept,
        count(DISTINCT customer_id) AS customers
    FROM int_subscription_periods
    GROUP BY cohort_month, months_kept
)
SELECT
    k.cohort_month AS cohort_month,
    k.months_kept AS months_kept,
    k.customers AS customers,
    c.cohort_customers AS cohort_customers,
    round(k.customers / c.cohort_customers, 4) AS retained_share
FROM kept AS k
JOIN cohorts AS c ON c.cohort_month = k.cohort_month
ORDER BY cohort_month, months_kept
