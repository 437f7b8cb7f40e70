"""Every kernel against its reference on this device: ``python -m kernels.check``.

Random sizes on and off the tile grid, both precisions, resets, carried states, adversarial gates and keys, and the same
bits twice. On a machine without a GPU set ``TRITON_INTERPRET=1``: small sizes, float32 only. Exits 1 if anything fails.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from kernels.backend import Backend, interpreting
from kernels.camera_gdn import CameraGDNCarry, camera_gdn_raw
from kernels.camera_gdn.types import CameraGDNRaw
from kernels.frame_gdn import FrameGDNCarry, FrameGDNState, frame_gdn_raw
from kernels.frame_gdn.types import FrameGDNRaw
from kernels.glu_conv import glu_conv
from kernels.key_prep import prepare_features
from kernels.problems import CallSize, random_camera, random_frame
from kernels.ray_rope import rotate, transform_rays
from kernels.rows import Fp8Rows, add_gated, add_modulate, gated_sum, modulate, quantize_rows
from kernels.self_check import relative_error
from kernels.short_conv import short_conv, short_conv_alone

Raw = TypeVar("Raw", FrameGDNRaw, CameraGDNRaw)
LIMITS = {torch.float32: 1e-5, torch.bfloat16: 5e-3}
EPS = 1e-8
SMALL = (CallSize(1, 2, 3, 21, 24), CallSize(2, 1, 2, 16, 32), CallSize(1, 2, 1, 1, 16))
LARGE = (
    CallSize(1, 20, 7, 880, 112),
    CallSize(2, 20, 3, 881, 112),
    CallSize(1, 3, 121, 63, 112),
    CallSize(1, 2, 2, 64, 128),
    CallSize(1, 2, 5, 100, 64),
    CallSize(1, 5, 1, 1, 112),
)
ADVERSARIES = ("decay 0", "decay 1", "gates 0", "gates 1", "zero keys", "zero queries", "huge", "tiny")


@dataclass(frozen=True)
class Line:
    """One comparison."""

    kernel: str
    case: str
    error: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the error is a number within the limit."""
        return self.error <= self.limit


def check(device: torch.device, adversarial_draws: int, sizes: int | None = None) -> Iterator[Line]:
    """All comparisons on one device, or those of the first ``sizes`` sizes; no draws leave the adversaries out."""
    whole = device.type == "cuda"
    dtypes = (torch.float32, torch.bfloat16) if whole else (torch.float32,)
    for index, size in enumerate((LARGE if whole else SMALL)[:sizes]):
        for dtype in dtypes:
            yield from _fused(size, device, dtype, index)
    yield from _small_kernels(device, dtypes)
    if adversarial_draws:
        yield from _adversarial(device, dtypes[-1], adversarial_draws)


def _fused(size: CallSize, device: torch.device, dtype: torch.dtype, seed: int) -> Iterator[Line]:
    case = f"{size.batch}x{size.heads}x{size.frames}x{size.space}x{size.dim} {str(dtype).removeprefix('torch.')}"
    frame, camera = random_frame(size, device, dtype, seed), random_camera(size, device, dtype, seed)
    generator = torch.Generator(device).manual_seed(seed)
    states = 0.1 * torch.rand(4, size.batch, size.heads, size.dim + 1, size.dim, device=device, generator=generator)
    before, after = (FrameGDNState(one[:, :, :-1], one[:, :, -1:]) for one in states[:2])
    carry, ends = FrameGDNCarry(before, after), CameraGDNCarry(states[2, :, :, :-1], states[3, :, :, :-1])
    resets = [index % 3 == 1 for index in range(size.frames)]
    for name, stops, entering in (("", [False] * size.frames, False), (" resets carry", resets, True)):
        ours = frame_gdn_raw(frame, stops, EPS, carry if entering else None, Backend.TRITON)
        theirs = frame_gdn_raw(_wide(frame), stops, EPS, carry if entering else None, Backend.REFERENCE)
        yield Line("frame_gdn", case + name, relative_error(ours[0], theirs[0]), LIMITS[dtype])
        yield Line("frame_gdn state", case + name, relative_error(ours[1].matrix, theirs[1].matrix), LIMITS[dtype])
        again = frame_gdn_raw(frame, stops, EPS, carry if entering else None, Backend.TRITON)
        yield Line("frame_gdn same bits", case + name, float(not torch.equal(ours[0], again[0])), 0.0)
        moved = camera_gdn_raw(camera, stops, ends if entering else None, Backend.TRITON)
        expected = camera_gdn_raw(_wide(camera), stops, ends if entering else None, Backend.REFERENCE)
        yield Line("camera_gdn", case + name, relative_error(moved[0], expected[0]), LIMITS[dtype])


def _wide(raw: Raw) -> Raw:
    return replace(raw, query=raw.query.float(), key=raw.key.float(), value=raw.value.float())


def _small_kernels(device: torch.device, dtypes: tuple[torch.dtype, ...]) -> Iterator[Line]:
    generator = torch.Generator(device).manual_seed(1)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, device=device, generator=generator)

    raw, weight, features = draw(2, 5, 21, 48), draw(48), draw(2, 2, 5, 21, 24)
    angle, quarter, matrix = draw(5, 21, 12), draw(5, 21, 6), draw(2, 5, 21, 4, 4)
    extended, taps = draw(2, 11, 21, 8), draw(8, 4)
    calls: dict[str, Callable[[Callable[[Tensor], Tensor], Backend], Tensor]] = {
        "key_prep": lambda cast, way: prepare_features(cast(raw), weight, 2, 1e-5, 0.3, way),
        "rotate": lambda cast, way: rotate(cast(features), angle.cos(), angle.sin(), way),
        "transform_rays": lambda cast, way: transform_rays(cast(features), matrix, quarter.cos(), quarter.sin(), way),
    }
    wide, kernel, bias = draw(2, 3, 35, 2 * 72), draw(2 * 72, 1, 3, 3) / 3, draw(2 * 72)
    calls["glu_conv"] = lambda cast, way: glu_conv(cast(wide), cast(kernel), cast(bias), 5, way)
    shift, gate, _, _, scale, _ = draw(2, 3, 6, 144).unbind(2)
    update, heads = draw(2, 3, 35, 144), draw(2, 3, 35, 6, 24).permute(0, 3, 1, 2, 4)
    calls["modulate"] = lambda cast, way: modulate(cast(wide), cast(shift), cast(scale), 1e-6, way)
    calls["add_modulate"] = lambda cast, way: torch.cat(
        add_modulate(cast(wide), cast(update), cast(shift), cast(scale), 1e-6, way)
    )
    calls["add_gated"] = lambda cast, way: add_gated(cast(wide), cast(update), cast(gate), cast(wide), way)
    calls["add_gated alone"] = lambda cast, way: add_gated(cast(wide), cast(update), cast(gate), None, way)
    calls["gated_sum"] = lambda cast, way: gated_sum(cast(heads), cast(update), cast(wide), way)
    calls["gated_sum alone"] = lambda cast, way: gated_sum(cast(heads).contiguous(), None, cast(wide), way)
    calls["fp8_rows scale"] = lambda cast, way: quantize_rows(cast(wide), way).scale
    forms = {
        "bidirectional": [0] * 5 + [-1] * 3,
        "causal": [0, 1, 2, 3, 4, -1, -2, -3],
        "chunks": [0, 0, 1, 1, 1, 1, 2, 2],
    }
    for form, ids in forms.items():
        calls[f"short_conv {form}"] = lambda cast, way, ids=ids: short_conv(cast(extended), cast(taps), ids, way)
    sliced = draw(2, 5, 21, 24)[..., 8:16]
    calls["short_conv alone"] = lambda cast, way: short_conv_alone(cast(sliced), cast(taps), [0, 0, 1, 1, 1], way)
    for dtype in dtypes:
        for name, call in calls.items():
            ours = call(lambda tensor, dtype=dtype: tensor.to(dtype), Backend.TRITON)
            theirs = call(lambda tensor, dtype=dtype: tensor.to(dtype).float(), Backend.REFERENCE)
            yield Line(name, str(dtype).removeprefix("torch."), relative_error(ours, theirs), LIMITS[dtype])
        if device.type == "cuda":  # Triton's interpreter truncates where the hardware rounds to nearest
            codes = [_decoded(quantize_rows(wide.to(dtype), way)) for way in (Backend.TRITON, Backend.REFERENCE)]
            case = str(dtype).removeprefix("torch.")
            yield Line("fp8_rows", case, relative_error(*codes), LIMITS[torch.bfloat16])


def _decoded(rows: Fp8Rows) -> Tensor:
    return rows.codes.float() * rows.scale


def _adversarial(device: torch.device, dtype: torch.dtype, draws: int) -> Iterator[Line]:
    """Counts outputs that are not finite; a draw is one sample of a batch."""
    whole = device.type == "cuda"
    spaces, lengths, dim = ((1, 63, 880, 881), (1, 2, 7, 121), 112) if whole else ((1, 21), (1, 3), 16)
    batch = max(1, -(-draws // (len(spaces) * len(lengths) * len(ADVERSARIES))))
    bad = {"frame_gdn": 0, "camera_gdn": 0}
    seen = 0
    for space in spaces:
        for frames in lengths:
            step = max(1, min(batch, 60_000 // (space * frames)))
            for start in range(0, batch, step):
                size = CallSize(min(step, batch - start), 2, frames, space, dim)
                for index, adversary in enumerate(ADVERSARIES):
                    seed = 1_000 * start + index
                    frame = _spoil(random_frame(size, device, dtype, seed), adversary)
                    camera = _spoil(random_camera(size, device, dtype, seed), adversary)
                    none = [False] * frames
                    mixed, _ = frame_gdn_raw(frame, none, EPS, None, Backend.TRITON)
                    moved, _ = camera_gdn_raw(camera, none, None, Backend.TRITON)
                    bad["frame_gdn"] += int((~torch.isfinite(mixed)).sum())
                    bad["camera_gdn"] += int((~torch.isfinite(moved)).sum())
                    seen += size.batch
    for name, count in bad.items():
        yield Line(f"{name} not finite", f"{seen} adversarial inputs", float(count), 0.0)


def _spoil(raw: Raw, adversary: str) -> Raw:
    changes: dict[str, Callable[[], dict[str, Tensor]]] = {
        "decay 0": lambda: {"decay": torch.zeros_like(raw.decay)},
        "decay 1": lambda: {"decay": torch.ones_like(raw.decay)},
        "gates 0": lambda: {"update_gate": torch.zeros_like(raw.update_gate)},
        "gates 1": lambda: {"update_gate": torch.ones_like(raw.update_gate), "decay": torch.ones_like(raw.decay)},
        "zero keys": lambda: {"key": torch.zeros_like(raw.key)},
        "zero queries": lambda: {"query": torch.zeros_like(raw.query)},
        "huge": lambda: {"query": raw.query * 1e4, "key": raw.key * 1e4, "value": raw.value * 1e4},
        "tiny": lambda: {"query": raw.query * 1e-4, "key": raw.key * 1e-4, "value": raw.value * 1e-4},
    }
    return replace(raw, **changes[adversary]())


def report(lines: Iterable[Line], destination: Path | None) -> int:
    """Print every comparison as it comes, keep all in a JSON file if one is named; returns the exit code."""
    seen: list[Line] = []
    for line in lines:
        verdict = "ok" if line.passed else "WRONG"
        sys.stdout.write(f"{line.kernel:32} {line.case:44} {line.error:9.1e}  {line.limit:.0e}  {verdict}\n")
        seen.append(line)
        if destination:
            destination.write_text(json.dumps([asdict(one) for one in seen], indent=1) + "\n")
    failed = sum(not line.passed for line in seen)
    sys.stdout.write(f"{len(seen) - failed} passed, {failed} failed\n")
    return int(failed > 0)


def checked_device() -> torch.device | None:
    """The device to check, exact in float32; None, and a line that says why, where kernels cannot run."""
    torch.backends.cuda.matmul.allow_tf32 = False
    if torch.cuda.is_available():
        return torch.device("cuda")
    if interpreting():
        return torch.device("cpu")
    sys.stderr.write("error: no GPU here; set TRITON_INTERPRET=1 to check on the CPU\n")
    return None


def main(arguments: list[str] | None = None) -> int:
    """Run all comparisons, print a table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, help="adversarial inputs; default 10000, or 32 interpreted")
    parser.add_argument("--sizes", type=int, help="only the first sizes; default all")
    parser.add_argument("--json", type=Path, help="write every comparison here")
    options = parser.parse_args(arguments)
    device = checked_device()
    if device is None:
        return 2
    draws = options.draws if options.draws is not None else 10_000 if device.type == "cuda" else 32
    with torch.no_grad():
        return report(check(device, draws, options.sizes), options.json)


if __name__ == "__main__":
    sys.exit(main())
