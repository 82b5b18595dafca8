SELECT
    t.ticket_id AS ticket_id,
    u.email AS requester_email,
    u.organization_name AS organization_name,
    t.priority AS priority,
    t.channel AS channel,
    t.status AS status,
    t.first_reply_minutes AS first_reply_minutes,
    if(t.solved_at IS NULL, NULL, dateDiff('hour', t.created_at, t.solved_at)) AS resolution_hours,
    t.satisfaction AS satisfaction,
    t.created_at AS created_at,
    multiIf(t.priority = 'urgent', 60, t.priority = 'high', 240, 1440) AS reply_target_minutes,
    t.first_reply_minutes <= reply_target_minutes AS is_within_target
FROM stg_zendesk_tickets AS t
LEFT JOIN stg_zendesk_users AS u ON u.zendesk_user_id = t.requester_id
