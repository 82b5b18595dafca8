"""The evidence pack of one change: everything an outsider needs to check it without the portal."""
