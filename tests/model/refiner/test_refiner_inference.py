import itertools
from dataclasses import asdict

import pytest
import torch
from einops import rearrange

from model.refiner.block_weights import CompiledBlocks, OffloadedBlocks
from model.refiner.inference import BlockRefiner, refine_whole
from model.refiner.plan import BlockSizes, RefinerPlan
from model.refiner.sampler import REFINER_SIGMAS, refine
from model.refiner.transformer import RefinerConfig, RefinerText, build_refiner, open_gates, predict_velocity
from model.refiner.video_stream import VideoPass, VideoStream, video_blocks

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = RefinerConfig(2, 12, 24, 2, 8, 2, 6, 12)
ONE_LAYER = RefinerConfig(2, 12, 24, 1, 8, 2, 6, 12)
PLAN = RefinerPlan(frame_rate=16.0)
HEIGHT, WIDTH = 2, 3


@pytest.fixture(scope="module")
def transformer():
    return build_refiner(CONFIG, seed=0).eval()


@pytest.fixture(scope="module")
def text():
    states = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(9))
    return RefinerText(states, torch.tensor([[1.0, 1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0, 1.0]]))


def _latents(seed, frames):
    return torch.randn(2, 128, frames, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed))


def _in_chunks(refiner, coarse, noise, sizes):
    pairs = zip(coarse.split(sizes, 2), noise.split(sizes, 2), strict=True)
    return torch.cat([refiner.refine_next(chunk, drawn) for chunk, drawn in pairs], 2)


@pytest.mark.parametrize("options", [{}, {"rope_type": "split"}, {"gated_attn": True}], ids=str)
def test_the_video_stream_is_the_library_forward_without_audio(options, text):
    from diffusers import LTX2VideoTransformer3DModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = LTX2VideoTransformer3DModel(**asdict(CONFIG), **options).eval()
        for name, parameter in network.named_parameters():
            if "to_gate_logits" in name or "norm_" in name:
                parameter.data.normal_()
    open_gates(network)
    noisy, sigma = _latents(1, 4), torch.tensor([[0.0, 0.5, 0.5, 0.5], [0.0, 0.9, 0.9, 0.9]])
    with torch.no_grad():
        expected = predict_velocity(network, noisy, sigma, text, 1, 16.0)
    stream = VideoStream(network)
    found = stream.run(VideoPass(noisy, sigma, 0, 1, 16.0), stream.caption(text)).velocity
    assert (found - expected).abs().max() < 1e-5


def test_another_release_is_refused():
    from diffusers import LTX2VideoTransformer3DModel

    network = LTX2VideoTransformer3DModel(**asdict(ONE_LAYER), cross_attn_mod=True)
    with pytest.raises(ValueError, match="cross_attn_mod"):
        VideoStream(network)


def test_a_whole_clip_is_refined_as_training_would(transformer, text):
    coarse, noise = _latents(1, 5), _latents(2, 5)
    found = refine_whole(VideoStream(transformer), coarse, text, noise, PLAN)
    expected = refine(transformer, coarse, text, noise, frame_rate=16.0, reference_frames=1)
    assert torch.equal(found[:, :, 0], coarse[:, :, 0])
    assert (found - expected).abs().max() < 1e-4
    assert (found - coarse)[:, :, 1:].abs().mean() > 0.1


def test_one_block_of_all_frames_is_the_whole_clip(transformer, text):
    coarse, noise = _latents(1, 4), _latents(2, 4)
    stream = VideoStream(transformer)
    refiner = BlockRefiner(stream, text, PLAN)
    found = refiner.refine_next(coarse, noise)
    assert torch.equal(found[:, :, 0], coarse[:, :, 0])
    assert (found - refine_whole(stream, coarse, text, noise, PLAN)).abs().max() < 1e-5


def test_a_later_block_sees_what_a_masked_pass_over_the_clip_sees(transformer, text):
    """Oracle: the library's whole forward over sink, clean first block and noisy second, under a block-causal mask."""
    coarse, noise = _latents(1, 7), _latents(2, 7)
    found = BlockRefiner(VideoStream(transformer), text, PLAN).refine_next(coarse, noise)
    owner = torch.tensor([0, 1, 1, 1, 2, 2, 2]).repeat_interleave(HEIGHT * WIDTH)
    mask = (owner[:, None] >= owner[None, :]).float().expand(2, -1, -1)
    state = 0.090625 * coarse + 0.909375 * noise
    state[:, :, :4] = found[:, :, :4]
    for sigma, following in itertools.pairwise(REFINER_SIGMAS):
        levels = torch.tensor([0.0] * 4 + [sigma] * 3).expand(2, -1)
        velocity = _library_velocity(transformer, state, levels, text, mask)
        state[:, :, 4:] -= (sigma - following) * velocity[:, :, 4:]
    assert (found[:, :, 4:] - state[:, :, 4:]).abs().max() < 1e-4


def test_the_sink_moves_with_the_window():
    """Oracle, for one layer, where a frame's keys depend on that frame alone: the library's forward over what is kept.

    Blocks of 2, window 4: when frames 7 and 8 are refined, 4, 5 and 6 are kept, and the sink sits at position 3.
    """
    network = build_refiner(ONE_LAYER, seed=0).eval()
    text = RefinerText(torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(9)), torch.ones(2, 5))
    coarse, noise = _latents(1, 9), _latents(2, 9)
    refiner = BlockRefiner(VideoStream(network), text, PLAN, BlockSizes(block=2, window=4))
    found = torch.cat([refiner.refine_next(coarse[:, :, :7], noise[:, :, :7])], 2)
    assert refiner.window.history_frames == 3
    assert refiner.window.sink_position == 3
    found = torch.cat([found, refiner.refine_next(coarse[:, :, 7:], noise[:, :, 7:])], 2)
    kept = torch.cat([found[:, :, :1], found[:, :, 4:7]], 2)
    everywhere = network.rope.prepare_video_coords(2, 9, HEIGHT, WIDTH, torch.device("cpu"), fps=16.0)
    space = HEIGHT * WIDTH
    coordinates = everywhere[:, :, 3 * space : 9 * space]  # sink at 3, then 4..8 where they are
    state = 0.090625 * coarse[:, :, 7:] + 0.909375 * noise[:, :, 7:]
    for sigma, following in itertools.pairwise(REFINER_SIGMAS):
        levels = torch.tensor([0.0] * 4 + [sigma] * 2).expand(2, -1)
        velocity = _library_velocity(network, torch.cat([kept, state], 2), levels, text, None, coordinates)
        state = state - (sigma - following) * velocity[:, :, 4:]
    assert (found[:, :, 7:] - state).abs().max() < 1e-4


def test_how_chunks_arrive_does_not_matter(transformer, text):
    coarse, noise = _latents(1, 10), _latents(2, 10)
    stream = VideoStream(transformer)
    sizes = BlockSizes(block=3, window=5)
    whole = BlockRefiner(stream, text, PLAN, sizes).refine_next(coarse, noise)
    parts = _in_chunks(BlockRefiner(stream, text, PLAN, sizes), coarse, noise, [4, 3, 3])
    assert torch.equal(whole, parts)
    sink_first = _in_chunks(BlockRefiner(stream, text, PLAN, sizes), coarse, noise, [1, 6, 3])
    assert torch.equal(whole, sink_first)


def test_memory_is_constant_from_the_first_block(transformer, text):
    refiner = BlockRefiner(VideoStream(transformer), text, PLAN, BlockSizes(block=3, window=5))
    held = []
    for index in range(5):
        refiner.refine_next(_latents(index, 3), _latents(index + 50, 3))
        held.append(refiner.window.bytes)
    assert len(set(held)) == 1
    space, channels, layers = _latents(0, 1)[0, 0, 0].numel(), 24, len(transformer.transformer_blocks)
    window_and_sink = 5 + 1
    assert held[0] == layers * window_and_sink * space * channels * 2 * 4 * len(_latents(0, 1))


def test_a_window_of_the_sink_alone_keeps_no_history(transformer, text):
    refiner = BlockRefiner(VideoStream(transformer), text, PLAN, BlockSizes(block=3, window=1))
    refiner.refine_next(_latents(1, 7), _latents(2, 7))
    assert refiner.window.history_frames == 0
    assert refiner.window.sink_position == 6


def test_passes_are_counted_and_may_be_stopped(transformer, text):
    seen = []
    plan = RefinerPlan(frame_rate=16.0, before_pass=lambda: seen.append(1))
    refiner = BlockRefiner(VideoStream(transformer), text, plan)
    refiner.refine_next(_latents(1, 8), _latents(2, 8))
    assert len(seen) == refiner.passes(8) == 1 + 3 * 4

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        BlockRefiner(VideoStream(transformer), text, RefinerPlan(16.0, before_pass=stop)).refine_next(
            _latents(1, 4), _latents(2, 4)
        )


def test_offloaded_blocks_give_the_same_bits_and_two_are_held_at_a_time(transformer, text, monkeypatch):
    coarse, noise = _latents(1, 7), _latents(2, 7)
    expected = BlockRefiner(VideoStream(transformer), text, PLAN).refine_next(coarse, noise)
    blocks = OffloadedBlocks(video_blocks(transformer), torch.device("cpu"))
    fetched = []
    fetch = blocks._fetched
    monkeypatch.setattr(blocks, "_fetched", lambda block: fetched.append(block) or fetch(block))
    ahead = [len(fetched) - index for index, _ in enumerate(blocks.runnable())]
    assert ahead == [2, 1]
    found = BlockRefiner(VideoStream(transformer, blocks), text, PLAN).refine_next(coarse, noise)
    assert torch.equal(found, expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RefinerPlan(16.0, sigmas=(0.5, 0.9, 0.0)), "fall to 0"),
        (lambda: RefinerPlan(16.0, sigmas=(0.9, 0.5)), "fall to 0"),
        (lambda: RefinerPlan(16.0, sink_frames=0), "sink_frames is 0"),
        (lambda: BlockSizes(block=0), "block is 0"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_inputs_that_do_not_fit_are_refused(transformer, text):
    stream = VideoStream(transformer)
    with pytest.raises(ValueError, match="nothing to refine"):
        refine_whole(stream, _latents(1, 1), text, _latents(2, 1), PLAN)
    with pytest.raises(ValueError, match="must be alike"):
        BlockRefiner(stream, text, PLAN).refine_next(_latents(1, 3), _latents(2, 4))
    two = RefinerPlan(16.0, sink_frames=2)
    with pytest.raises(ValueError, match="first chunk has 1"):
        BlockRefiner(stream, text, two).refine_next(_latents(1, 1), _latents(2, 1))
    with pytest.raises(ValueError, match="the sink alone"):
        BlockRefiner(stream, text, two, BlockSizes(window=1))


@torch.no_grad()
def _library_velocity(network, state, levels, text, mask, coordinates=None):
    _, _, frames, height, width = state.shape
    tokens = rearrange(state, "b c f h w -> b (f h w) c")
    timestep = 1000 * levels.repeat_interleave(height * width, dim=1)
    video, _ = network(
        hidden_states=tokens,
        audio_hidden_states=tokens.new_zeros(2, 1, 128),
        encoder_hidden_states=text.states,
        audio_encoder_hidden_states=text.states,
        timestep=timestep,
        audio_timestep=timestep[:, :1],
        encoder_attention_mask=text.mask,
        audio_encoder_attention_mask=text.mask,
        num_frames=frames,
        height=height,
        width=width,
        fps=16.0,
        audio_num_frames=1,
        video_coords=coordinates,
        isolate_modalities=True,
        video_self_attention_mask=mask,
        return_dict=False,
    )
    return rearrange(video, "b (f h w) c -> b c f h w", f=frames, h=height)


def test_compiled_blocks_are_entered_and_change_nothing(transformer, text):
    torch.compiler.reset()
    entered = []

    def counting(graph, _inputs):
        def run(*tensors):
            entered.append(graph)
            return graph.forward(*tensors)

        return run

    coarse, noise = _latents(1, 8), _latents(2, 8)
    plain = _in_chunks(BlockRefiner(VideoStream(transformer), text, PLAN, BlockSizes(2, 3)), coarse, noise, (4, 2, 2))
    stream = VideoStream(transformer, CompiledBlocks(video_blocks(transformer), counting))
    compiled = _in_chunks(BlockRefiner(stream, text, PLAN, BlockSizes(2, 3)), coarse, noise, (4, 2, 2))
    assert (plain - compiled).abs().max() < 1e-5
    passes = 1 + 4 * (
        len(PLAN.sigmas) - 1 + 1
    )  # the sink; blocks of 2, 1, 2, 2 frames: their steps, and for the window
    assert len(entered) == CONFIG.num_layers * passes
    assert len(set(entered)) <= 5  # the sink, and one graph per combination of block and window, whatever the layer
