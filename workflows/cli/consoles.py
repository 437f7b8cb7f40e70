"""The console that tables are printed on."""

from rich.console import Console

PIPE_WIDTH = 140


def table_console() -> Console:
    """As wide as the terminal; where there is none, wide enough not to break words."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)
