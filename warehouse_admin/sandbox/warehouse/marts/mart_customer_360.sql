/*
 * Everything about one customer in one row.
 * Read by the CRM sync: do not rename columns without telling sales.
 */
WITH orders AS (
    SELECT
        user_id,
        count() AS orders,
        sum(total_usd) AS order_revenue,
        min(order_date) AS first_order_date,
        max(order_date) AS last_order_date
    FROM int_orders_enriched
    GROUP BY user_id
),
tickets AS (
    SELECT requester_email, count() AS tickets, avg(first_reply_minutes) AS reply_minutes
    FROM int_ticket_resolution
    GROUP BY requester_email
)
SELECT
    ci.user_id AS user_id,
    ci.email AS email,
    ci.country AS country,
    ci.signup_source AS signup_source,
    ci.signed_up_at AS signed_up_at,
    coalesce(o.orders, 0) AS orders,
    coalesce(o.order_revenue, 0) AS order_revenue,
    o.first_order_date AS first_order_date,
    o.last_order_date AS last_order_date,
    sp.plan_name AS plan_name,
    coalesce(sp.mrr_usd, 0) AS mrr_usd,
    coalesce(t.tickets, 0) AS tickets,
    t.reply_minutes AS reply_minutes
FROM int_customer_identity AS ci
LEFT JOIN orders AS o ON o.user_id = ci.user_id
LEFT JOIN int_subscription_periods AS sp ON sp.customer_id = ci.customer_id
LEFT JOIN tickets AS t ON t.requester_email = ci.email
