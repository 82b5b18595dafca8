SELECT
    carrier,
    warehouse,
    toStartOfWeek(shipped_at) AS week,
    count() AS parcels,
    round(avg(handling_hours), 1) AS handling_hours,
    round(avg(transit_hours), 1) AS transit_hours,
    round(countIf(is_late) / count(), 4) AS late_share
FROM int_shipping_times
GROUP BY carrier, warehouse, week
HAVING parcels >= 5
