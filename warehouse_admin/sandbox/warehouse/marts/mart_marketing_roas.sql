-- Return on ad spend by channel and campaign, last-touch.
WITH earned AS (
    SELECT
        order_date AS day,
        channel,
        campaign,
        sum(revenue_usd) AS revenue,
        countIf(is_first_order) AS first_orders
    FROM int_marketing_touches
    GROUP BY day, channel, campaign
)
SELECT
    s.spend_date AS day,
    s.channel AS channel,
    s.campaign AS campaign,
    s.spend_usd AS spend,
    s.clicks AS clicks,
    coalesce(e.revenue, 0) AS revenue,
    coalesce(e.first_orders, 0) AS first_orders,
    if(s.spend_usd = 0, NULL, round(coalesce(e.revenue, 0) / s.spend_usd, 2)) AS roas,
    if(first_orders = 0, NULL, round(s.spend_usd / first_orders, 2)) AS acquisition_cost
FROM stg_marketing_spend AS s
LEFT JOIN earned AS e ON e.day = s.spend_date AND e.channel = s.channel AND e.campaign = s.campaign
