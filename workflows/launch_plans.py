"""Launch plans: a workflow with the values of this deployment filled in."""

from pathlib import PurePosixPath

from flytekit import LaunchPlan

from infra.request import RunRequest
from infra.settings import Settings, load_settings
from workflows.build_corpus import build_corpus
from workflows.end_to_end import end_to_end

RAW = "raw"


def standing_request(settings: Settings) -> RunRequest:
    """A run of the profile on the raw videos that lie in its workdir volume."""
    corpus = str(PurePosixPath(settings.workdir) / RAW)
    return RunRequest(settings.profile, settings.workdir, corpus, name="standing")


whole_run = LaunchPlan.get_or_create(
    workflow=end_to_end, name="sana_wm.whole_run", default_inputs={"run": standing_request(load_settings())}
)
corpus_refresh = LaunchPlan.get_or_create(
    workflow=build_corpus, name="sana_wm.corpus_refresh", default_inputs={"run": standing_request(load_settings())}
)
