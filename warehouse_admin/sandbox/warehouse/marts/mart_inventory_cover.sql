-- How many days the stock lasts at the pace of the last four weeks.
WITH pace AS (
    SELECT sku, sum(units) / 28 AS daily_units
    FROM int_product_daily_sales
    WHERE sale_date >= today() - 28
    GROUP BY sku
),
stock AS (
    SELECT sku, sum(available_units) AS available_units
    FROM stg_stock_levels
    WHERE snapshot_date = (SELECT max(snapshot_date) FROM stg_stock_levels)
    GROUP BY sku
)
SELECT
    s.sku AS sku,
    s.available_units AS available_units,
    p.daily_units AS daily_units,
    if(p.daily_units > 0, round(s.available_units / p.daily_units, 1), NULL) AS cover_days,
    multiIf(cover_days < 7, 'reorder now', cover_days < 21, 'watch', 'fine') AS advice
FROM stock AS s
LEFT JOIN pace AS p ON p.sku = s.sku
