-- Fills week-ends with the last known rate.
WITH ordered AS (
    SELECT
        rate_date,
        upper(currency) AS currency,
        usd_rate,
        row_number() OVER (PARTITION BY currency, rate_date ORDER BY usd_rate) AS position
    FROM finance_fx_rates
)
SELECT rate_date, currency, usd_rate
FROM ordered
WHERE position = 1
