SELECT
    d.pipeline AS pipeline,
    d.stage AS stage,
    d.owner_name AS owner_name,
    co.segment AS segment,
    count() AS deals,
    sum(d.amount) AS pipeline_value,
    sumIf(d.amount, d.is_won) AS won_value,
    round(avg(dateDiff('day', d.opened_at, coalesce(d.closed_at, now()))), 1) AS age_days
FROM stg_hubspot_deals AS d
LEFT JOIN stg_hubspot_companies AS co ON co.company_id = d.company_id
GROUP BY pipeline, stage, owner_name, segment
