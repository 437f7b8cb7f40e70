"""Order only: which stage follows which, as Flyte workflows, a DVC pipeline and a command line."""
