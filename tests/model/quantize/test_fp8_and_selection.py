import pytest
import torch

from model.quantize.fp8 import dequantize_fp8, quantize_fp8
from model.quantize.selection import BACKBONE_INCLUDED, REFINER_INCLUDED, matrix_of, select_layers


def test_fp8_rows_have_their_own_scale():
    matrix = torch.tensor([[1.0, 0.5], [1000.0, 1.0], [0.0, 0.0]])
    packed = quantize_fp8(matrix)
    back = dequantize_fp8(packed)
    assert back[0].tolist() == pytest.approx([1.0, 0.5])
    assert back[1, 0].item() == pytest.approx(1000.0)
    assert back[2].abs().sum() == 0
    assert packed.scale[2].item() == 1.0


def test_fp8_relative_error():
    matrix = torch.randn(32, 128, generator=torch.Generator().manual_seed(0))
    assert (dequantize_fp8(quantize_fp8(matrix)) - matrix).norm() / matrix.norm() < 0.03


def test_camera_branch_and_small_gates_stay():
    weights = {
        "blocks.0.attn.qkv.weight": torch.zeros(48, 16),
        "blocks.0.attn.q_proj_cam.weight": torch.zeros(16, 16),
        "blocks.0.attn.beta_proj.weight": torch.zeros(2, 16),
        "blocks.0.mlp.point_conv.conv.weight": torch.zeros(16, 48, 1, 1),
        "blocks.0.mlp.t_conv.weight": torch.zeros(16, 16, 3, 1),
        "blocks.0.attn.q_norm.weight": torch.zeros(16),
        "final_layer.linear.weight": torch.zeros(16, 16),
    }
    chosen, kept = select_layers(weights, BACKBONE_INCLUDED)
    assert chosen == ["blocks.0.attn.qkv.weight", "blocks.0.mlp.point_conv.conv.weight"]
    assert "camera branch" in kept["blocks.0.attn.q_proj_cam.weight"]
    assert "multiple of 16" in kept["blocks.0.attn.beta_proj.weight"]
    assert set(kept) == set(weights) - set(chosen) - {"blocks.0.attn.q_norm.weight"}


def test_refiner_text_keys_and_values_stay():
    names = ["attn1.to_k", "attn2.to_q", "attn2.to_k", "audio_attn1.to_q", "ff.net.0.proj"]
    weights = {f"transformer_blocks.1.{name}.weight": torch.zeros(16, 16) for name in names}
    chosen, _ = select_layers(weights, REFINER_INCLUDED)
    assert chosen == [f"transformer_blocks.1.{name}.weight" for name in ("attn1.to_k", "attn2.to_q", "ff.net.0.proj")]


def test_a_real_convolution_is_no_matrix():
    with pytest.raises(ValueError, match="1x1"):
        matrix_of(torch.zeros(4, 4, 3, 1))
