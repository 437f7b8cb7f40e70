"""The packed checkpoint decodes to what the report measured, and the camera branch is never touched."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from data_contracts.quantization import QuantizationReport
from infra.stage import StageContext
from model.backbone import SanaWM
from model.checkpoints.store import checkpoint_info, save_checkpoint
from model.config import tiny, v2
from model.quantize.packed_weights import unpack_weights
from tasks.quantization.config import QuantizeConfig
from tasks.quantization.stage import run_quantize

CONFIG = QuantizeConfig(timesteps=[900, 100], latent_frames=2, latent_height=2, latent_width=3, seed=1)


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SanaWM]:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("quantize")
    model = SanaWM(replace(tiny(), depth=2, softmax_blocks=(1,)), v2())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape))
    save_checkpoint(folder / "student", model, checkpoint_info(model))
    (folder / "refiner").mkdir()
    refiner = {"transformer_blocks.0.attn1.to_q.weight": torch.randn(32, 32), "proj_in.weight": torch.randn(32, 16)}
    save_file(refiner, folder / "refiner" / "merged.safetensors")
    (folder / "out").mkdir()
    context = StageContext(
        name="quantize",
        inputs={"self_forcing": folder / "student", "refiner_lora": folder / "refiner"},
        outputs={"quantize": folder / "out"},
        config=CONFIG,
    )
    run_quantize(context)
    return folder / "out", model


def test_the_packed_weights_decode_within_the_reported_error(quantized: tuple[Path, SanaWM]) -> None:
    output, model = quantized
    report = QuantizationReport.model_validate_json((output / "report.json").read_text())
    exact = model.state_dict()
    packed = load_file(output / "model.safetensors")
    decoded = unpack_weights(packed, {key: tuple(value.shape) for key, value in exact.items()})
    assert set(decoded) == set(exact)
    for layer in report.layers:
        error = (decoded[layer.key] - exact[layer.key]).norm() / exact[layer.key].norm()
        assert float(error) == pytest.approx(layer.nvfp4, rel=1e-4)
        assert 0.02 < layer.nvfp4 < 0.2
        assert layer.fp8 < layer.nvfp4
    untouched = set(exact) - {layer.key for layer in report.layers}
    assert all(torch.equal(decoded[key], exact[key]) for key in untouched)


def test_camera_projections_stay_and_say_why(quantized: tuple[Path, SanaWM]) -> None:
    report = QuantizationReport.model_validate_json((quantized[0] / "report.json").read_text())
    assert not [layer for layer in report.layers if "_cam" in layer.key]
    assert report.kept["blocks.0.attn.q_proj_cam.weight"] == "camera branch stays in high precision"


def test_output_errors_grow_with_what_is_rounded(quantized: tuple[Path, SanaWM]) -> None:
    report = QuantizationReport.model_validate_json((quantized[0] / "report.json").read_text())
    for error in report.outputs:
        assert 0 < error.fp8_weights < error.nvfp4_weights < error.nvfp4_weights_and_activations < 1


def test_the_refiner_is_packed_by_its_own_rule(quantized: tuple[Path, SanaWM]) -> None:
    packed = load_file(quantized[0] / "refiner.safetensors")
    assert packed["transformer_blocks.0.attn1.to_q.weight"].dtype == torch.uint8
    assert packed["proj_in.weight"].dtype == torch.float32
