"""Every error a user can meet: a code, what was wrong, and what to do (``product.md`` section 7).

Exit codes: 2 when the input or the command line is wrong, 1 for anything else (disk, capacity, internal).
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """The catalogue. The value is what a user sees; ``docs/errors.md`` lists each with its remedy."""

    CORPUS_EMPTY = "E101-corpus-empty"
    CORPUS_UNREADABLE = "E102-corpus-unreadable"
    NO_USABLE_CLIP = "E103-no-usable-clip"
    TOO_FEW_ACCEPTED = "E104-too-few-accepted"
    TOO_FEW_CLIPS_ASKED = "E105-too-few-clips-asked"
    BENCHMARK_UNREADABLE = "E106-benchmark-unreadable"
    UNKNOWN_STAGE = "E201-unknown-stage"
    UNKNOWN_PROFILE = "E202-unknown-profile"
    SPAN_EMPTY = "E203-span-empty"
    INPUT_MISSING = "E204-input-missing"
    CONFIG_INVALID = "E205-config-invalid"
    WORKDIR_BUSY = "E206-workdir-busy"
    CONTRACT_INVALID = "E301-contract-invalid"
    MEDIA_INVALID = "E302-media-invalid"
    CAMERA_INVALID = "E303-camera-invalid"
    REQUEST_INVALID = "E304-request-invalid"
    WEIGHTS_INVALID = "E401-weights-invalid"
    SIGNATURE_INVALID = "E402-signature-invalid"
    LICENCE_FORBIDS = "E403-licence-forbids"
    GATE_FAILED = "E404-gate-failed"
    TAKEN_DOWN = "E405-taken-down"
    ARTIFACT_CORRUPT = "E501-artifact-corrupt"
    ARTIFACT_UNKNOWN = "E502-artifact-unknown"
    DISK_FULL = "E503-disk-full"
    WORKER_FAILED = "E504-worker-failed"
    PORT_BUSY = "E505-port-busy"
    CAPACITY = "E506-capacity"
    ORCHESTRATOR_UNREACHABLE = "E507-orchestrator-unreachable"
    MEMORY_SHORT = "E508-memory-short"
    OUTPUT_UNUSABLE = "E509-output-unusable"
    HUB_UNREACHABLE = "E510-hub-unreachable"
    INTERNAL = "E599-internal"


class SanaWMError(Exception):
    """A failure with a code, a message that names field, value and allowed range, and a remedy.

    Attributes:
        code: entry of the catalogue.
        message: what was wrong.
        fix: what the user can do about it.
        exit_code: process exit code.
    """

    exit_code = 1

    def __init__(self, code: ErrorCode, message: str, fix: str) -> None:
        super().__init__(f"{code.value}: {message}\n  fix: {fix}")
        self.code = code
        self.message = message
        self.fix = fix

    def __reduce__(self) -> tuple[type, tuple[ErrorCode, str, str]]:
        """Rebuild from the three parts, so that the error survives a process boundary."""
        return type(self), (self.code, self.message, self.fix)


class InputError(SanaWMError):
    """The input or the command line is wrong (exit 2)."""

    exit_code = 2


class OperationError(SanaWMError):
    """The input was fine and the work could not be done: disk, capacity, a failed gate (exit 1)."""

    exit_code = 1
