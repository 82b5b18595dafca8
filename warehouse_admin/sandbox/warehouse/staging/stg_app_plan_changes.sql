SELECT
    id AS plan_change_id,
    user_id,
    coalesce(from_plan, 'none') AS from_plan,
    coalesce(to_plan, 'none') AS to_plan,
    multiIf(
        from_plan IS NULL, 'new',
        to_plan IS NULL, 'churn',
        'switch'
    ) AS change_kind,
    reason,
    changed_at
FROM postgres_plan_changes
