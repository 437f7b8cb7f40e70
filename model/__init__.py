"""The network and its mathematics; single-device unless in ``model.parallel``."""
