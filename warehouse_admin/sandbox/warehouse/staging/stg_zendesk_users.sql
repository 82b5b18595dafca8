SELECT
    u.id AS zendesk_user_id,
    lower(u.email) AS email,
    u.name AS name,
    u.role AS role,
    o.name AS organization_name
FROM zendesk_users AS u
LEFT JOIN zendesk_organizations AS o ON o.domain = splitByChar('@', u.email)[2]
