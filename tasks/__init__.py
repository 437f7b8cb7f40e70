"""Plain functions per task group, and one thin ``flyte_tasks.py`` each."""
