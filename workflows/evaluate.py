"""The benchmark on a finished student."""

from workflows.registration import registered

evaluate = registered("evaluate", "evaluate", "evaluate")
