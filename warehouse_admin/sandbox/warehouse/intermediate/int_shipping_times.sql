SELECT
    sh.order_id AS order_id,
    sh.carrier AS carrier,
    sh.service_level AS service_level,
    sh.warehouse AS warehouse,
    a.region AS region,
    dateDiff('hour', o.placed_at, sh.shipped_at) AS handling_hours,
    sh.transit_hours AS transit_hours,
    sh.transit_hours > if(sh.service_level = 'express', 48, 120) AS is_late,
    sh.shipped_at AS shipped_at
FROM stg_app_shipments AS sh
JOIN stg_app_orders AS o ON o.order_id = sh.order_id
LEFT JOIN stg_app_addresses AS a ON a.user_id = o.user_id
