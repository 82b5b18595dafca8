SELECT
    d.id AS deal_id,
    d.name AS deal_name,
    d.stage AS stage,
    d.pipeline AS pipeline,
    d.amount AS amount,
    d.company_id AS company_id,
    concat(o.first_name, ' ', o.last_name) AS owner_name,
    d.created_at AS opened_at,
    d.closed_at AS closed_at,
    d.stage = 'closedwon' AS is_won
FROM hubspot_deals AS d
LEFT JOIN hubspot_owners AS o ON o.id = d.owner_id
