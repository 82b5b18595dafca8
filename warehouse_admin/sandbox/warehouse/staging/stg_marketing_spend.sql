SELECT
    spend_date,
    lower(channel) AS channel,
    campaign,
    spend AS spend_usd,
    impressions,
    clicks,
    if(clicks = 0, 0, spend / clicks) AS cost_per_click
FROM marketing_spend
WHERE spend >= 0
