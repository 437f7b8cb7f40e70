"""Gates, signature, registry and a server that answers."""

from workflows.registration import registered

release = registered("release", "release", "release")
