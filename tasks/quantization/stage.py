"""The quantize stage: a packed NVFP4 checkpoint of the student and of the merged refiner, with an error report."""

from pathlib import Path

from data_contracts.quantization import PackedFormat, QuantizationReport
from data_contracts.report import StageSummary
from infra.stage import StageContext, digest_file
from tasks.quantization.config import QuantizeConfig

WEIGHTS = "model.safetensors"
REFINER = "merged.safetensors"


def run_quantize(context: StageContext[QuantizeConfig]) -> StageSummary:
    """Pack, decode again to see that nothing was lost beyond rounding, and report the errors.

    Raises:
        InputError: the student's checkpoint is broken.
    """
    import torch
    from safetensors.torch import save_file

    from model.checkpoints.store import INFO, load_checkpoint
    from model.quantize.packed_weights import pack_weights, unpack_weights
    from model.quantize.selection import BACKBONE_INCLUDED, select_layers
    from tasks.quantization.errors import layer_errors, output_errors

    torch.set_num_threads(context.workers)
    student, output = context.inputs["self_forcing"], context.outputs["quantize"]
    model, _ = load_checkpoint(student)
    weights = model.state_dict()
    chosen, kept = select_layers(weights, BACKBONE_INCLUDED)
    packed = pack_weights(weights, chosen)
    unpack_weights(packed, {key: tuple(value.shape) for key, value in weights.items()})
    save_file(packed, output / WEIGHTS)
    (output / INFO).write_bytes((student / INFO).read_bytes())
    report = QuantizationReport(
        format=PackedFormat(),
        emulated=True,
        source_digest=digest_file(student / WEIGHTS),
        bytes_before=sum(value.nbytes for value in weights.values()),
        bytes_after=sum(value.nbytes for value in packed.values()),
        layers=layer_errors(weights, chosen),
        kept=kept,
        outputs=output_errors(model, chosen, context.config),
    )
    (output / "report.json").write_text(report.model_dump_json(indent=1) + "\n")
    refiner_layers = _pack_refiner(context.inputs["refiner_lora"], output)
    worst = max(error.nvfp4_weights for error in report.outputs)
    metrics = {
        "layers": float(len(chosen)),
        "refiner_layers": float(refiner_layers),
        "bytes_ratio": report.bytes_after / report.bytes_before,
        "worst_output_error": worst,
    }
    return StageSummary(items=len(chosen) + refiner_layers, metrics=metrics)


def _pack_refiner(source: Path, output: Path) -> int:
    """Pack the merged refiner's video projections; its report lists the error of each."""
    from safetensors.torch import save_file

    from model.checkpoints.store import read_weights
    from model.quantize.packed_weights import pack_weights
    from model.quantize.selection import REFINER_INCLUDED, select_layers
    from tasks.quantization.errors import layer_errors

    weights = read_weights(source / REFINER)
    chosen, kept = select_layers(weights, REFINER_INCLUDED)
    packed = pack_weights(weights, chosen)
    save_file(packed, output / "refiner.safetensors")
    report = QuantizationReport(
        format=PackedFormat(),
        emulated=True,
        source_digest=digest_file(source / REFINER),
        bytes_before=sum(value.nbytes for value in weights.values()),
        bytes_after=sum(value.nbytes for value in packed.values()),
        layers=layer_errors(weights, chosen),
        kept=kept,
        outputs=[],
    )
    (output / "refiner_report.json").write_text(report.model_dump_json(indent=1) + "\n")
    return len(chosen)
