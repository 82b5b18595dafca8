SELECT
    toStartOfMonth(changed_at) AS month,
    from_plan,
    to_plan,
    change_kind,
    count() AS changes,
    uniq(user_id) AS users
FROM stg_app_plan_changes
GROUP BY month, from_plan, to_plan, change_kind
