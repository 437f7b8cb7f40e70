"""One writer per source format; ``docs/sources.md`` describes what they write."""
