SELECT
    snapshot_date,
    upper(sku) AS sku,
    warehouse,
    on_hand,
    reserved,
    greatest(on_hand - reserved, 0) AS available_units
FROM warehouse_stock_levels
