SELECT
    h.company_id AS company_id,
    h.company_name AS company_name,
    h.segment AS segment,
    h.users AS users,
    h.mrr_usd AS mrr_usd,
    h.health AS health,
    p.pipeline_value AS pipeline_value
FROM int_account_health AS h
LEFT JOIN (
    SELECT segment, sum(pipeline_value) AS pipeline_value
    FROM mart_sales_pipeline
    GROUP BY segment
) AS p ON p.segment = h.segment
