WITH ranked AS (
    SELECT
        id,
        lower(email) AS email,
        lifecycle_stage,
        owner_id,
        company_id,
        coalesce(lead_source, 'unknown') AS lead_source,
        created_at,
        row_number() OVER (PARTITION BY lower(email) ORDER BY created_at DESC) AS position
    FROM hubspot_contacts
    WHERE email != ''
)
-- Sales sometimes enters a contact twice: the newest one wins.
SELECT
    id AS contact_id,
    email,
    lifecycle_stage,
    owner_id,
    company_id,
    lead_source,
    created_at
FROM ranked
WHERE position = 1
