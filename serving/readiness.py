"""Finding, verifying and loading what is to be served. Nothing is loaded before its signature and every byte hold."""

from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import ErrorCode, InputError
from infra.catalog import Catalog
from infra.signing import SignedFiles, beside, in_workdir, trusted_key, verify_directory
from infra.workdir import Workdir

RELEASE = "release"


@dataclass(frozen=True)
class ServedBundle:
    """A bundle whose signature was checked: its directory, and the signed directory it lies in."""

    directory: Path
    signed: Path


def verified_bundle(workdir: Workdir, bundle: Path | None) -> ServedBundle:
    """The workdir's latest release, or the signed directory ``bundle``, checked against the workdir's trusted key.

    A signed directory is a bundle itself or holds one in ``bundle/`` (as the release artifact does).

    Raises:
        InputError: there is no release, it holds no bundle, or it is not what the trusted key signed.
    """
    signed, files = _signed_release(workdir) if bundle is None else (bundle, beside(bundle))
    if not signed.is_dir():
        raise _nothing(f"{signed} is no directory")
    verify_directory(signed, trusted_key(workdir.root / "keys"), files)
    directory = signed / "bundle" if (signed / "bundle").is_dir() else signed
    if not (directory / "model.json").is_file():
        raise _nothing(f"{directory} holds no model.json")
    return ServedBundle(directory, signed)


def _signed_release(workdir: Workdir) -> tuple[Path, SignedFiles]:
    latest = Catalog(workdir.catalog).latest(RELEASE)
    if latest is None:
        raise _nothing(f"workdir {workdir.root} has no release")
    return workdir.artifact(RELEASE), in_workdir(workdir.root, RELEASE, latest.id)


def _nothing(message: str) -> InputError:
    return InputError(ErrorCode.INPUT_MISSING, f"{message}: nothing to serve", "run `wm run` first, or pass --bundle")
