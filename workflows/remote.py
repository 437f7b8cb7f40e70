"""``wm run`` on a cluster: the same workflow, registered and started through Flyte's own client."""

from data_contracts.errors import ErrorCode, OperationError
from infra.keys import CodeIndex
from infra.request import RunRequest
from infra.session import PACKAGES, ROOT, build_session
from infra.stage import digest_json
from infra.stage_spec import CORPUS
from infra.workdir import Workdir
from workflows.declaration import declare
from workflows.graph import outside_artifacts
from workflows.local_run import RunOptions, outside_id
from workflows.pipeline import Pipeline


def launch(pipeline: Pipeline, options: RunOptions) -> str:
    """Register the span's workflow under the digest of its code and start it.

    Returns:
        The URL of the execution in Flyte's console.

    Raises:
        SanaWMError: the span is wrong, or Flyte cannot be reached.
    """
    from flytekit.configuration import Config, ImageConfig, SerializationSettings
    from flytekit.remote import FlyteRemote

    from workflows.flyte_graph import build_workflow
    from workflows.registration import cache_policy

    settings = options.settings
    place = settings.orchestrator
    stages = pipeline.graph.span(options.first, options.last)
    declared = declare(Workdir(options.workdir.resolve()), options.use, settings)
    calls = pipeline.calls(stages, settings, declared)
    workflow = build_workflow(
        f"sana_wm.{stages[0].name}_to_{stages[-1].name}", stages, calls, cache_policy(stages, settings)
    )
    request = _request(options)
    session = build_session(request, settings)
    outside = [artifact for artifact in outside_artifacts(stages) if artifact != CORPUS]
    ids = {artifact: outside_id(pipeline, session, artifact) for artifact in outside}
    code = CodeIndex(ROOT, PACKAGES)
    version = digest_json({spec.name: [code.code(spec.module).digest, calls[spec.name].config] for spec in stages})
    try:
        remote = FlyteRemote(Config.for_endpoint(place.endpoint.rpartition("/")[2]), place.project, place.domain)
        image = ImageConfig.auto(img_name=place.image)
        packaging = SerializationSettings(image_config=image, project=place.project, domain=place.domain)
        registered = remote.register_workflow(workflow, packaging, version[:32])
        execution = remote.execute(registered, inputs={"run": request, **ids})
        return remote.generate_console_url(execution)
    except Exception as error:
        raise OperationError(
            ErrorCode.ORCHESTRATOR_UNREACHABLE,
            f"Flyte at {place.endpoint} did not take the run: {str(error).splitlines()[0] if str(error) else error!r}",
            "check the endpoint and the access in the profile; --dry-run OUT writes what would be sent",
        ) from error


def _request(options: RunOptions) -> RunRequest:
    """What the tasks are told; a cluster's corpus is a directory of the shared volume."""
    corpus = str(options.corpus) if options.corpus else f"{options.settings.workdir}/raw"
    return RunRequest(
        options.settings.profile, str(options.workdir), corpus, options.name, options.use, list(options.force)
    )
