"""The ``wm`` command line: the one place that may reach any package, lazily."""
