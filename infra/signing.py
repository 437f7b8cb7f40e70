"""Ed25519 over a manifest of SHA-256 digests: what a server checks before it loads a single tensor.

Two files never lie in the signed directory but beside it, or in the workdir under its id: a manifest (path ->
digest of every file) and a signature (64 bytes and the public key, JSON). The private key is made on first use with
mode 0600 in the workdir's ``keys`` folder and never leaves it. Ed25519 is deterministic: equal bytes, equal signature.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from data_contracts.errors import ErrorCode, InputError, OperationError
from infra.stage import digest_file

PRIVATE_NAME = "signing.key"
PUBLIC_NAME = "signing.pub"


@dataclass(frozen=True)
class SignedFiles:
    """Where the manifest and the signature of an artifact directory lie."""

    manifest: Path
    signature: Path


def beside(directory: Path) -> SignedFiles:
    """The two files beside ``directory``: how a directory travels to another machine."""
    return SignedFiles(
        directory.with_name(f"{directory.name}.manifest.json"), directory.with_name(f"{directory.name}.manifest.sig")
    )


def in_workdir(workdir: Path, artifact: str, artifact_id: str) -> SignedFiles:
    """The two files of one version of an artifact: older versions keep theirs."""
    home = workdir / "signatures" / artifact
    return SignedFiles(home / f"{artifact_id}.manifest.json", home / f"{artifact_id}.manifest.sig")


def ensure_key(keys: Path) -> Ed25519PrivateKey:
    """The workdir's signing key, made on first use: private half mode 0600, public half beside it.

    Raises:
        OperationError: the key file is unreadable, or others may read it.
    """
    private = keys / PRIVATE_NAME
    if not private.exists():
        keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_private(private, Ed25519PrivateKey.generate())
    if private.stat().st_mode & 0o077:
        raise OperationError(
            ErrorCode.SIGNATURE_INVALID, f"{PRIVATE_NAME}: others may read it", f"chmod 600 {private} or make a new key"
        )
    key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise OperationError(
            ErrorCode.SIGNATURE_INVALID, f"{PRIVATE_NAME}: not an Ed25519 key", "remove it: a new key is made"
        )
    _replace(keys / PUBLIC_NAME, public_text(key.public_key()).encode(), 0o644)
    return key


def trusted_key(keys: Path) -> Ed25519PublicKey:
    """The public key a server trusts.

    Raises:
        InputError: there is none, or it is not 32 bytes of hexadecimal.
    """
    path = keys / PUBLIC_NAME
    if not path.exists():
        raise InputError(
            ErrorCode.SIGNATURE_INVALID, f"{path.name}: no trusted key in {keys.name}/", "run `wm run` to release first"
        )
    return _public_from_text(path.read_text().strip())


def public_text(key: Ed25519PublicKey) -> str:
    """The public key as hexadecimal."""
    return key.public_bytes_raw().hex()


def directory_manifest(directory: Path) -> dict[str, str]:
    """POSIX path relative to ``directory`` -> SHA-256 of every file in it, sorted."""
    return {path.relative_to(directory).as_posix(): digest_file(path) for path in _files(directory)}


def sign_directory(directory: Path, key: Ed25519PrivateKey, files: SignedFiles) -> None:
    """Write manifest and signature; either file appears whole or not at all."""
    files.manifest.parent.mkdir(parents=True, exist_ok=True)
    payload = _canonical(directory_manifest(directory))
    signature = {"public_key": public_text(key.public_key()), "signature": key.sign(payload).hex()}
    _replace(files.manifest, payload, 0o644)
    _replace(files.signature, _canonical(signature), 0o644)


def verify_directory(directory: Path, trusted: Ed25519PublicKey, files: SignedFiles) -> dict[str, str]:
    """Check signature, signer and every byte; returns the manifest.

    Raises:
        InputError: a missing or foreign signature, a changed, missing or additional file, named.
    """
    if not (files.manifest.exists() and files.signature.exists()):
        raise _refused(f"{directory.name}: its manifest or signature is missing ({files.signature})")
    payload = files.manifest.read_bytes()
    public, signature = _read_signature(files.signature)
    if public != public_text(trusted):
        raise _refused(f"{directory.name}: signed by key {public[:16]}, trusted is {public_text(trusted)[:16]}")
    try:
        trusted.verify(signature, payload)
    except InvalidSignature:
        raise _refused(f"{files.manifest.name}: the signature does not match the manifest") from None
    manifest: dict[str, str] = json.loads(payload)
    _compare(directory, manifest)
    return manifest


def _compare(directory: Path, manifest: dict[str, str]) -> None:
    present = directory_manifest(directory)
    for name in sorted(manifest.keys() | present.keys()):
        if name not in present:
            raise _refused(f"{directory.name}/{name}: named in the manifest, missing on disk")
        if name not in manifest:
            raise _refused(f"{directory.name}/{name}: on disk, not in the manifest")
        if manifest[name] != present[name]:
            raise _refused(f"{directory.name}/{name}: digest {present[name][:16]}, signed was {manifest[name][:16]}")


def _read_signature(path: Path) -> tuple[str, bytes]:
    try:
        record = json.loads(path.read_text())
        return str(record["public_key"]), bytes.fromhex(record["signature"])
    except (ValueError, KeyError, TypeError):
        raise _refused(f"{path.name}: not a signature file") from None


def _public_from_text(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError:
        raise _refused(f"{PUBLIC_NAME}: not 32 bytes of hexadecimal") from None


def _refused(message: str) -> InputError:
    return InputError(
        ErrorCode.SIGNATURE_INVALID,
        message,
        "release the model again with `wm run --force release`, or restore the files",
    )


def _files(directory: Path) -> Iterator[Path]:
    yield from sorted(path for path in directory.rglob("*") if path.is_file())


def _canonical(value: dict[str, str]) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1).encode() + b"\n"


def _write_private(path: Path, key: Ed25519PrivateKey) -> None:
    payload = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _replace(path, payload, 0o600)


def _replace(path: Path, payload: bytes, mode: int) -> None:
    """Write whole or not at all, with ``mode`` from the first moment on."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(payload)
    scratch.replace(path)
