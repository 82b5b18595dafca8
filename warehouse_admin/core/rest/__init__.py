"""What the REST endpoints of every app share; knows no domain word."""
