"""Names of runs, for people and logs; no artifact ever holds one."""

from datetime import UTC, datetime


def new_run_name() -> str:
    """``run-`` and the time in UTC, to the second."""
    return f"run-{datetime.now(UTC):%Y%m%d-%H%M%S}"
