"""The ``release`` stage: gates, bundle, service manifest, smoke test, signature, registry."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from data_contracts.benchmark import BenchmarkResults, ManifestLine
from data_contracts.bundle import BundleInfo
from data_contracts.clip import AcceptedRow
from data_contracts.errors import ErrorCode, OperationError
from data_contracts.latents import LatentRow
from data_contracts.licence import load_licences
from data_contracts.release import GateResult, ModelVersion
from data_contracts.report import StageSummary
from infra.ledger import Ledger
from infra.signing import directory_manifest
from infra.stage import StageContext
from infra.workdir import Workdir
from model.checkpoints.store import read_info
from model.generation.bundle import RunSettings, write_bundle
from tasks.release.closure import ClosureClip, closure_clips
from tasks.release.config import ReleaseConfig
from tasks.release.gates import all_gates, demand, video_gate
from tasks.release.inference_service import inference_service_yaml
from tasks.release.publish import TRAINED, publish
from tasks.release.smoke import SmokeRequest, smoke_test
from tasks.vision.tables import read_table


def run_release(context: StageContext[ReleaseConfig]) -> StageSummary:
    """Fill the ``release`` artifact and make it known.

    Raises:
        OperationError: a gate failed, by name; or the smoke test did.
    """
    config, output = context.config, context.outputs["release"]
    workdir = _workdir(context)
    accepted = read_table(context.inputs["filter_accepted"] / "accepted.parquet", AcceptedRow)
    clips = closure_clips(workdir, context.inputs, accepted)
    gates = all_gates(context.inputs, clips, load_licences(), _with_tombstones(config, workdir))
    demand(gates)
    context.progress.say(f"release: {len(gates)} gates passed")
    inputs = context.inputs
    info = write_bundle(
        output / "bundle", inputs[TRAINED], inputs["latents"], _run_settings(context), inputs["refiner_lora"]
    )
    version = model_version(context, clips, info)
    (output / "model_version.json").write_text(version.model_dump_json(indent=1) + "\n")
    (output / "inference_service.yaml").write_text(inference_service_yaml(version, config.service))
    times = smoke_test(output / "bundle", _smoke_request(context), output / "smoke.mp4")
    gates += video_gate("smoke.mp4", output / "smoke.mp4", config)
    demand(gates)
    _write_gates(output / "gates.json", gates)
    published = publish(workdir, output, version, version.metrics)
    context.progress.say(f"release: {version.name}/{version.version} is registered and signed")
    return StageSummary(items=1, metrics={**times, "registry_version": float(published.registry_version)})


def model_version(context: StageContext[ReleaseConfig], clips: Sequence[ClosureClip], info: BundleInfo) -> ModelVersion:
    """Name the bundle after its content, and say what is behind it."""
    bundle = context.outputs["release"] / "bundle"
    canonical = json.dumps(directory_manifest(bundle), sort_keys=True).encode()
    digest = hashlib.sha256(canonical).hexdigest()
    parts = {part.licence for part in context.config.parts}
    return ModelVersion(
        name=context.config.name,
        version=digest[:12],
        bundle=digest,
        weights=info.version,
        use=context.config.use.value,
        numerics=read_info(bundle / "model.json").numerics,
        clip_ids=sorted({clip.clip_id for clip in clips}),
        licences=sorted(parts | {clip.licence for clip in clips}),
        metrics=_headline(context.inputs["evaluate"]),
    )


def _with_tombstones(config: ReleaseConfig, workdir: Workdir) -> ReleaseConfig:
    """The configuration's tombstones and those of this moment: a workflow registered long ago knows of none."""
    found = {*config.taken_down, *Ledger(workdir).decisions().taken_down}
    return config.model_copy(update={"taken_down": tuple(sorted(found))})


def _workdir(context: StageContext[ReleaseConfig]) -> Workdir:
    if context.workdir is None:
        raise OperationError(
            ErrorCode.INTERNAL, "release was given no workdir: keys and registry have no home", "run it with `wm stage`"
        )
    return Workdir(context.workdir)


def _run_settings(context: StageContext[ReleaseConfig]) -> RunSettings:
    """Size and rate are those of the latents the student was trained on."""
    row = read_table(context.inputs["latents"] / "index.parquet", LatentRow)[0]
    config = context.config
    return RunSettings(
        height=row.height,
        width=row.width,
        fps=row.fps,
        cached_chunks=config.cached_chunks,
        sink=config.sink,
        steps=config.mode_steps,
        shift=config.shift,
        guidance=config.guidance,
    )


def _smoke_request(context: StageContext[ReleaseConfig]) -> SmokeRequest:
    """The first benchmark scene, walked through as the configuration says."""
    benchmark = context.inputs["evaluate"] / "benchmark"
    manifest = next(iter(sorted(benchmark.glob("*/sanawm_export_v2/run_manifest.jsonl"))))
    line = ManifestLine.model_validate_json(manifest.read_text().splitlines()[0])
    config = context.config
    image = benchmark / line.image_path
    return SmokeRequest(config.name, image, line.prompt or "a place", config.smoke_action, config.smoke_seconds)


def _headline(evaluate: Path) -> dict[str, float]:
    """The model's own figures on both splits."""
    results = BenchmarkResults.model_validate_json((evaluate / "results.json").read_bytes())
    figures = {}
    for score in results.scores:
        if score.subject == "model":
            values = {
                "rotation_deg_all": score.pose.rotation_deg_all,
                "revisit_psnr": score.revisit.psnr,
                "drift": score.drift.delta,
            }
            figures |= {f"{score.split}.{key}": value for key, value in values.items() if value is not None}
    return figures


def _write_gates(path: Path, gates: Sequence[GateResult]) -> None:
    path.write_text(json.dumps([gate.model_dump() for gate in gates], indent=1) + "\n")
