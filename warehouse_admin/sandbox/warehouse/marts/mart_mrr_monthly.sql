SELECT
    month,
    sumIf(movement_usd, movement = 'new') AS new_mrr,
    sumIf(movement_usd, movement = 'expansion') AS expansion_mrr,
    sumIf(movement_usd, movement = 'contraction') AS contraction_mrr,
    sumIf(movement_usd, movement = 'churn') AS churned_mrr,
    sum(movement_usd) AS net_new_mrr,
    sum(net_new_mrr) OVER (ORDER BY month) AS closing_mrr
FROM int_mrr_movements
GROUP BY month
ORDER BY month
