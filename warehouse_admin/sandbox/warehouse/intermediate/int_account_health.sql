SELECT
    ci.company_id AS company_id,
    co.company_name AS company_name,
    co.segment AS segment,
    count(DISTINCT ci.user_id) AS users,
    sum(sp.mrr_usd) AS mrr_usd,
    countIf(tr.status IN ('open', 'pending')) AS open_tickets,
    avg(tr.resolution_hours) AS resolution_hours,
    multiIf(open_tickets > 5, 'at risk', mrr_usd = 0, 'inactive', 'healthy') AS health
FROM int_customer_identity AS ci
JOIN stg_hubspot_companies AS co ON co.company_id = ci.company_id
LEFT JOIN int_subscription_periods AS sp ON sp.customer_id = ci.customer_id
LEFT JOIN int_ticket_resolution AS tr ON tr.requester_email = ci.email
GROUP BY company_id, company_name, segment
