SELECT
    id AS company_id,
    name AS company_name,
    lower(domain) AS domain,
    coalesce(industry, 'Unknown') AS industry,
    employees AS employee_count,
    multiIf(employees >= 1000, 'enterprise', employees >= 100, 'mid-market', 'small') AS segment,
    country
FROM hubspot_companies
