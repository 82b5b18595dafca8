"""Where each phase of a sync asks, as faults know it."""

LIST = r"/warehouse_saved_queries/?$"
DETAIL = r"/warehouse_saved_queries/[0-9a-f-]{36}/?$"
TABLES = r"/warehouse_tables/?$"
JOBS = r"/data_modeling_jobs/?$"
LOG = r"/activity_log/?$"

PHASES = {"list": LIST, "log": LOG, "details": DETAIL, "tables": TABLES, "runs": JOBS}
