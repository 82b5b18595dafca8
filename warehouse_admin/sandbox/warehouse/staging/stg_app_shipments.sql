SELECT
    id AS shipment_id,
    order_id,
    lower(carrier) AS carrier,
    service_level,
    warehouse,
    toFloat(cost) AS shipping_cost,
    shipped_at,
    delivered_at,
    dateDiff('hour', shipped_at, delivered_at) AS transit_hours
FROM postgres_shipments
WHERE shipped_at IS NOT NULL
