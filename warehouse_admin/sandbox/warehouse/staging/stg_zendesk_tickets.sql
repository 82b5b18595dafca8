SELECT
    id AS ticket_id,
    requester_id,
    assignee_id,
    status,
    coalesce(priority, 'normal') AS priority,
    channel,
    subject,
    satisfaction,
    created_at,
    first_reply_at,
    solved_at,
    dateDiff('minute', created_at, first_reply_at) AS first_reply_minutes
FROM zendesk_tickets
WHERE status != 'deleted'
