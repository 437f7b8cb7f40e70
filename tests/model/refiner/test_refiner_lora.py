import pytest
import torch

from model.refiner.lora import TARGETS, adapter_weights, add_adapters, merge_adapters
from model.refiner.sampler import REFINER_SIGMAS, refine
from model.refiner.transformer import RefinerConfig, RefinerText, build_refiner, predict_velocity

CONFIG = RefinerConfig(2, 12, 24, 1, 8, 2, 6, 12)


@pytest.fixture(scope="module")
def inputs():
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(1, 128, 3, 2, 2, generator=generator)
    text = RefinerText(torch.randn(1, 4, 8, generator=generator), torch.tensor([[1.0, 1.0, 1.0, 0.0]]))
    return latents, text


def _velocity(transformer, latents, text):
    sigma = torch.tensor([[0.0, 0.5, 0.5]])
    with torch.no_grad():
        return predict_velocity(transformer, latents, sigma, text, 1, 16.0)


def test_new_adapters_leave_the_base_bit_equal_and_merge_reproduces_them(inputs):
    latents, text = inputs
    transformer = build_refiner(CONFIG, seed=0)
    base = {key: value.clone() for key, value in transformer.state_dict().items()}
    before = _velocity(transformer, latents, text)
    trainable = add_adapters(transformer, rank=4, generator=torch.Generator().manual_seed(1))
    assert torch.equal(_velocity(transformer, latents, text), before)
    assert all("audio" not in key for key in adapter_weights(transformer))
    with torch.no_grad():
        for parameter in trainable:
            parameter.add_(0.05)
    changed = _velocity(transformer, latents, text)
    assert not torch.allclose(changed, before, atol=1e-4)
    adapters = adapter_weights(transformer)
    merged, report = merge_adapters(base, adapters, strength=1.0)
    other = build_refiner(CONFIG, seed=0)
    other.load_state_dict(merged)
    assert torch.allclose(_velocity(other, latents, text), changed, atol=1e-5)
    assert len(report.merged) == 10  # two attentions of four, and two feed-forward projections
    assert set(report.merged) | set(report.untouched) == set(base)


def test_padded_caption_tokens_do_not_matter(inputs):
    latents, text = inputs
    transformer = build_refiner(CONFIG, seed=0)
    other = text.states.clone()
    other[:, 3] = 50.0
    assert torch.allclose(
        _velocity(transformer, latents, text), _velocity(transformer, latents, RefinerText(other, text.mask)), atol=1e-6
    )


def test_reference_frames_are_anchors(inputs):
    latents, text = inputs
    transformer = build_refiner(CONFIG, seed=0)
    moved = latents.clone()
    moved[:, :, 1:] += 1
    assert torch.allclose(
        _velocity(transformer, latents, text)[:, :, 0], _velocity(transformer, moved, text)[:, :, 0], atol=1e-6
    )


def test_refining_keeps_the_reference_verbatim(inputs):
    latents, text = inputs
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(3))
    refined = refine(build_refiner(CONFIG, seed=0), latents, text, noise, frame_rate=16.0)
    assert torch.equal(refined[:, :, 0], latents[:, :, 0])
    assert not torch.allclose(refined[:, :, 1:], latents[:, :, 1:], atol=1e-2)
    assert REFINER_SIGMAS == (0.909375, 0.725, 0.421875, 0.0)


def test_an_adapter_without_partner_or_base_is_refused():
    base = {"a.weight": torch.zeros(4, 4)}
    a, b = torch.zeros(2, 4), torch.zeros(4, 2)
    with pytest.raises(ValueError, match="needs"):
        merge_adapters(base, {"diffusion_model.a.lora_A.weight": a}, 1.0)
    with pytest.raises(ValueError, match="needs"):
        merge_adapters(base, {"diffusion_model.b.lora_A.weight": a, "diffusion_model.b.lora_B.weight": b}, 1.0)
    with pytest.raises(ValueError, match="pair up"):
        merge_adapters(base, {"diffusion_model.a.lora_B.weight": b}, 1.0)
    assert "audio" not in TARGETS
