"""What would be sent to a cluster, rendered offline and parsed again."""

import json
from pathlib import Path

import msgpack
import pytest
import yaml
from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.admin.task_pb2 import TaskSpec
from flyteidl.admin.workflow_pb2 import WorkflowSpec

from data_contracts.errors import InputError
from data_contracts.plan import RunPlan
from infra.settings import Settings, load_settings
from workflows.cluster_render import render_cluster
from workflows.graph import GRAPH
from workflows.local_run import RunOptions
from workflows.pipeline import PRODUCT

ON_64_GPUS = ("frame_gdn", "hybrid_attention", "minute_camera", "quality_sft")
TABLE_7 = {"frame_gdn": (64, 1), "hybrid_attention": (64, 1), "minute_camera": (32, 2), "quality_sft": (32, 2)}
SHARDED = ("ingest", "screen", "pose", "splat", "caption", "latents")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("render")
    options = RunOptions(load_settings("cluster"), home / "work", None)
    files = render_cluster(PRODUCT, options.settings, options, home / "out")
    assert not (home / "work").exists()
    assert files == sorted(files)
    return home / "out"


def parse(rendered: Path, kind: int, message: type):
    """Flyte numbers its entities by kind: 1 task, 2 workflow, 3 launch plan."""
    found = {}
    for path in sorted((rendered / "flyte").glob(f"*_{kind}.pb")):
        entity = message()
        entity.ParseFromString(path.read_bytes())
        found[path.name.split("_", 1)[1].removesuffix(f"_{kind}.pb")] = entity
    return found


@pytest.fixture(scope="module")
def tasks(rendered) -> dict[str, TaskSpec]:
    return {name.rpartition(".")[2]: spec for name, spec in parse(rendered, 1, TaskSpec).items()}


@pytest.fixture(scope="module")
def workflows(rendered) -> dict[str, WorkflowSpec]:
    return parse(rendered, 2, WorkflowSpec)


def test_every_stage_is_a_task_and_the_spans_are_workflows(tasks, workflows, rendered):
    assert set(GRAPH.names) <= set(tasks)
    assert set(workflows) == {
        f"sana_wm.{name}"
        for name in ("build_corpus", "train_progressive", "distill", "evaluate", "release", "end_to_end")
    }
    nodes = workflows["sana_wm.end_to_end"].template.nodes
    called = [node.task_node.reference_id.name for node in nodes if node.HasField("task_node")]
    assert [name.rpartition(".")[2] for name in called if not name.endswith("examine")] == GRAPH.names
    assert {"sana_wm.whole_run", "sana_wm.corpus_refresh"} <= set(parse(rendered, 3, LaunchPlan))


@pytest.mark.parametrize("stage", ON_64_GPUS)
def test_the_papers_64_gpus_are_a_pytorchjob_of_eight_nodes(tasks, workflows, stage):
    template = tasks[stage].template
    assert template.type == "pytorch"
    custom = template.custom
    assert custom["workerReplicas"]["replicas"] == 8
    assert custom["elasticConfig"]["nprocPerNode"] == 8
    assert (custom["elasticConfig"]["minReplicas"], custom["elasticConfig"]["maxReplicas"]) == (8, 8)
    config = _config(workflows["sana_wm.train_progressive"], stage)
    batch, context_parallel = TABLE_7[stage]
    assert config["parallel"]["global_batch"] == batch
    assert config["parallel"]["context_parallel"] == context_parallel
    assert config["parallel"]["world_size"] == 64


def _config(workflow: WorkflowSpec, stage: str) -> dict:
    node = next(node for node in workflow.template.nodes if node.task_node.reference_id.name.endswith(f".{stage}"))
    call = next(binding for binding in node.inputs if binding.var == "call").binding
    return json.loads(msgpack.unpackb(call.scalar.binary.value)["config"])


@pytest.mark.parametrize("stage", SHARDED)
def test_corpus_stages_are_mapped_over_shards_before_they_join(workflows, stage):
    nodes = workflows["sana_wm.end_to_end"].template.nodes
    mapped = next(
        node
        for node in nodes
        if node.HasField("array_node") and f"map_{stage}_shard" in node.array_node.node.task_node.reference_id.name
    )
    joining = next(node for node in nodes if node.task_node.reference_id.name.endswith(f".flyte_tasks.{stage}"))
    assert mapped.id in joining.upstream_node_ids
    shards = next(binding for binding in mapped.inputs if binding.var == "shard").binding.collection.bindings
    assert len(shards) == load_settings("cluster").orchestrator.corpus_shards


def test_flytes_cache_has_our_code_as_its_version_and_ignores_what_decides_no_key(workflows):
    nodes = workflows["sana_wm.end_to_end"].template.nodes
    metadata = {node.task_node.reference_id.name.rpartition(".")[2]: node.metadata for node in nodes}
    versions = {name: metadata[name].cache_version for name in GRAPH.names}
    assert all(len(version) == 64 for version in versions.values())
    assert versions["ingest"] != versions["screen"]
    assert all(metadata[name].cacheable for name in GRAPH.names)


def test_pods_share_the_workdir_and_ask_for_their_class(tasks):
    pod = tasks["quantize"].template
    spec = pod.k8s_pod.pod_spec
    assert spec["volumes"][0]["persistentVolumeClaim"]["claimName"] == "sana-wm-workdir"
    container = next(item for item in spec["containers"] if item["name"] == "primary")
    assert container["image"] == load_settings("cluster").orchestrator.image
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "8"
    assert pod.k8s_pod.metadata.labels["kueue.x-k8s.io/queue-name"] == "sana-wm"


def test_settings_plan_and_service_parse(rendered):
    assert Settings.model_validate_json((rendered / "settings.json").read_bytes()) == load_settings("cluster")
    plan = RunPlan.model_validate_json((rendered / "plan.json").read_bytes())
    assert [stage.name for stage in plan.stages] == GRAPH.names
    service = yaml.safe_load((rendered / "inference_service.yaml").read_text())
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    assert service["kind"] == "InferenceService"
    assert "null" not in (rendered / "inference_service.yaml").read_text()


def test_a_profile_that_runs_here_submits_nothing(tmp_path):
    options = RunOptions(load_settings("local"), tmp_path / "work")
    with pytest.raises(InputError, match="E202"):
        render_cluster(PRODUCT, options.settings, options, tmp_path / "out")
    assert not (tmp_path / "out").exists()
