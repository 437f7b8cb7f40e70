"""Compile for a GPU that is not there: a Triton driver that compiles every launch and runs none.

Launch code is called as always, on CPU tensors; each kernel is built for the target with exactly the sizes, strides,
plans and alignments of that call, its shared memory is checked against the target's limit, and its registers and
spills are read from the machine code. Outputs of the calls are whatever memory held.
"""

import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
import triton
from triton.backends.compiler import GPUTarget

HOPPER = GPUTarget("cuda", 90, 32)
SHARED_LIMITS = {90: 232448, 80: 166912}
USAGE = re.compile(r"REG:(\d+) STACK:(\d+)")


@dataclass(frozen=True)
class Compiled:
    """One kernel of one call, compiled."""

    name: str
    registers: int
    stack_bytes: int
    shared_bytes: int


def _tool(name: str) -> Path:
    return Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / name


def resource_usage(machine_code: bytes) -> tuple[int, int]:
    """Registers a thread and stack bytes a thread (spills) of a compiled kernel.

    Raises:
        RuntimeError: if the disassembler names neither.
    """
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(machine_code)
        file.flush()
        call = [_tool("cuobjdump"), "--dump-resource-usage", file.name]
        text = subprocess.run(call, capture_output=True, text=True, check=True, timeout=60).stdout
    match = USAGE.search(text)
    if match is None:
        raise RuntimeError(f"no resource usage in the disassembler's output: {text[:200]!r}")
    return int(match[1]), int(match[2])


@dataclass
class CompileOnly:
    """What Triton asks of a driver, answered for a target without a device."""

    target: GPUTarget
    compiled: list[Compiled] = field(default_factory=list)

    @property
    def utils(self) -> "CompileOnly":
        """Device properties and loading are answered here too."""
        return self

    def get_current_device(self) -> int:
        """One device, called 0."""
        return 0

    def get_current_stream(self, device: int) -> int:  # noqa: ARG002 - Triton's signature
        """No stream."""
        return 0

    def get_current_target(self) -> GPUTarget:
        """What to compile for."""
        return self.target

    def get_device_properties(self, device: int) -> dict[str, int]:  # noqa: ARG002 - Triton's signature
        """The target's limits."""
        return {"max_shared_mem": SHARED_LIMITS[self.target.arch]}

    def launcher_cls(self, source: object, metadata: object) -> Callable[..., None]:  # noqa: ARG002 - as above
        """Launching does nothing."""
        return lambda *arguments: None  # noqa: ARG005 - as above

    def load_binary(self, name: str, code: bytes, shared: int, device: int) -> tuple[None, None, int, int, int]:  # noqa: ARG002 - as above
        """Record what would be loaded."""
        registers, stack = resource_usage(code)
        self.compiled.append(Compiled(name, registers, stack, shared))
        return None, None, registers, stack, 1024


def compile_calls(calls: list[Callable[[], object]], target: GPUTarget = HOPPER) -> list[Compiled]:
    """Every kernel that the calls would launch on ``target``; the device's own driver, if any, is put back.

    Raises:
        Exception: whatever the compiler says of a kernel that does not compile or fit.
    """
    driver = CompileOnly(target)
    triton.runtime.driver.set_active(driver)
    try:
        with torch.no_grad():
            for call in calls:
                call()
    finally:
        if torch.cuda.is_available():
            triton.runtime.driver.reset_active()
    return driver.compiled
