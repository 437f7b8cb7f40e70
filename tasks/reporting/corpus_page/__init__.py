"""The steward's page of a corpus: static files that need no server."""
