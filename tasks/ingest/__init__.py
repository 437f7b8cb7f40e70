"""Tasks of the ingest group."""
