-- Ties the application's users to Stripe, HubSpot, Zendesk and PostHog persons, by e-mail.
SELECT
    u.user_id AS user_id,
    u.email AS email,
    coalesce(u.stripe_customer_id, sc.customer_id) AS customer_id,
    hc.contact_id AS contact_id,
    hc.company_id AS company_id,
    zu.zendesk_user_id AS zendesk_user_id,
    p.person_id AS person_id,
    coalesce(nullIf(u.country, ''), sc.country, a.country) AS country,
    u.signup_source AS signup_source,
    u.signed_up_at AS signed_up_at
FROM stg_app_users AS u
LEFT JOIN stg_stripe_customers AS sc ON sc.email = u.email
LEFT JOIN stg_hubspot_contacts AS hc ON hc.email = u.email
LEFT JOIN stg_zendesk_users AS zu ON zu.email = u.email
LEFT JOIN stg_persons AS p ON p.email = u.email
LEFT JOIN stg_app_addresses AS a ON a.user_id = u.user_id
WHERE NOT u.is_deleted
