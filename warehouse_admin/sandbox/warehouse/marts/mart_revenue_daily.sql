-- Net revenue a day, with the seven-day average that the board looks at.
WITH daily AS (
    SELECT
        charge_date AS day,
        sum(gross_usd) AS gross_revenue,
        sum(refunded_usd) AS refunds,
        sum(disputed_usd) AS disputes,
        sum(net_usd) AS net_revenue,
        count() AS charges
    FROM int_payments_net
    GROUP BY charge_date
)
SELECT
    day,
    gross_revenue,
    refunds,
    disputes,
    net_revenue,
    charges,
    avg(net_revenue) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS net_revenue_7d
FROM daily
ORDER BY day DESC
