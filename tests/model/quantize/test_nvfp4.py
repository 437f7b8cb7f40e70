import pytest
import torch

from model.quantize.nvfp4 import (
    E2M1_VALUES,
    Nvfp4Tensor,
    decode_e2m1,
    dequantize_nvfp4,
    encode_e2m1,
    quantize_nvfp4,
    round_trip_nvfp4,
)


def test_ties_go_to_the_even_code():
    ties = torch.tensor([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0])
    assert decode_e2m1(encode_e2m1(ties)).tolist() == [0.0, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0]
    assert decode_e2m1(encode_e2m1(-ties)).tolist() == [-0.0, -1.0, -1.0, -2.0, -2.0, -4.0, -4.0]


def test_values_just_off_a_tie_go_to_their_own_side():
    ties = torch.tensor([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0])
    above = decode_e2m1(encode_e2m1(ties * (1 + 1e-6)))
    below = decode_e2m1(encode_e2m1(ties * (1 - 1e-6)))
    assert above.tolist() == list(E2M1_VALUES[1:])
    assert below.tolist() == list(E2M1_VALUES[:-1])


def test_saturates_at_six_and_codes_are_exact_on_the_grid():
    assert decode_e2m1(encode_e2m1(torch.tensor([7.0, 1e9, -1e9]))).tolist() == [6.0, 6.0, -6.0]
    grid = torch.tensor(E2M1_VALUES)
    assert encode_e2m1(grid).tolist() == list(range(8))
    assert encode_e2m1(-grid[1:]).tolist() == list(range(9, 16))


def test_zero_matrix_and_zero_block_stay_zero():
    zero = torch.zeros(2, 32)
    assert torch.equal(dequantize_nvfp4(quantize_nvfp4(zero)), zero)
    mixed = torch.zeros(1, 32)
    mixed[0, 16:] = torch.linspace(-1, 1, 16)
    packed = quantize_nvfp4(mixed)
    assert packed.block_scale.float()[0, 0] == 0
    assert torch.equal(dequantize_nvfp4(packed)[0, :16], torch.zeros(16))


def test_block_below_the_smallest_scale_becomes_zero_without_nan():
    tiny = torch.full((1, 32), 1e-9)
    tiny[0, 16:] = 1.0
    back = dequantize_nvfp4(quantize_nvfp4(tiny))
    assert torch.isfinite(back).all()
    assert back[0, :16].abs().max() == 0
    assert torch.allclose(back[0, 16:], torch.ones(16), rtol=1e-6)


def test_golden_scales_by_hand():
    # amax 2688 = 448 * 6 gives tensor scale 1; the first block's amax 12 gives block scale 2 exactly.
    row = torch.zeros(1, 32)
    row[0, 0], row[0, 1], row[0, 2] = 12.0, 5.0, -1.5
    row[0, 16] = 2688.0
    packed = quantize_nvfp4(row)
    assert packed.tensor_scale.item() == 1.0
    assert packed.block_scale.float().tolist() == [[2.0, 448.0]]
    # 12/2 = 6 -> 6, 5/2 = 2.5 ties to 2, -1.5/2 = -0.75 ties to -1
    assert dequantize_nvfp4(packed)[0, :3].tolist() == [12.0, 4.0, -2.0]
    # low nibble first: element 0 has code 7, element 1 code 4, element 2 code 2 with the sign bit
    assert packed.packed[0, 0].item() == 7 | (4 << 4)
    assert packed.packed[0, 1].item() == (2 | 8)


def test_values_are_divided_by_the_rounded_block_scale():
    # amax 1.05 / 6 / (2688 / 2688) = 0.175 rounds to 0.171875 in E4M3; 1.05 / 0.171875 = 6.1 saturates at 6.
    row = torch.zeros(1, 32)
    row[0, 0], row[0, 16] = 1.05, 2688.0
    back = dequantize_nvfp4(quantize_nvfp4(row))
    assert back[0, 0].item() == pytest.approx(6 * 0.171875)


def test_block_scale_is_clamped_when_a_smaller_amax_was_calibrated():
    row = torch.full((1, 16), 100.0)
    packed = quantize_nvfp4(row, amax=torch.tensor(1.0))
    assert packed.block_scale.float().item() == 448.0
    assert dequantize_nvfp4(packed)[0, 0].item() == pytest.approx(1.0)


def test_width_off_the_block_grid_is_padded_and_cut():
    matrix = torch.randn(3, 21, generator=torch.Generator().manual_seed(0))
    packed = quantize_nvfp4(matrix)
    assert packed.packed.shape == (3, 16)
    assert dequantize_nvfp4(packed).shape == (3, 21)


def test_relative_error_of_gaussian_weights_is_that_of_the_format():
    matrix = torch.randn(64, 256, generator=torch.Generator().manual_seed(1))
    error = (dequantize_nvfp4(quantize_nvfp4(matrix)) - matrix).norm() / matrix.norm()
    assert 0.05 < error < 0.12


def test_quantizing_twice_changes_nothing():
    matrix = torch.randn(8, 64, generator=torch.Generator().manual_seed(2))
    once = dequantize_nvfp4(quantize_nvfp4(matrix))
    assert torch.allclose(round_trip_nvfp4(once), once, rtol=1e-2, atol=1e-3)


def test_nonfinite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        quantize_nvfp4(torch.tensor([[float("nan")] * 16]))


def test_decoding_reads_both_nibbles():
    packed = Nvfp4Tensor(
        torch.tensor([[0x21] + [0] * 7], dtype=torch.uint8),
        torch.ones(1, 1).to(torch.float8_e4m3fn),
        torch.tensor(1.0),
        16,
    )
    assert dequantize_nvfp4(packed)[0, :2].tolist() == [0.5, 1.0]
