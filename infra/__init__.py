"""Where things run: typed settings, stores and clients; no domain logic."""
