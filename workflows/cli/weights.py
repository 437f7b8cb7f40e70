"""``wm weights``: look into, check, convert, sign and try checkpoints."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_contracts.weights import Preset, ProfileChoice, WeightsLayout
from workflows.cli.options import Json
from workflows.cli.weights_probe import probe_profile

if TYPE_CHECKING:
    from data_contracts.weights import ConversionReport, VerifyReport

app = typer.Typer(help="Look into, check, convert, sign and try checkpoints.", no_args_is_help=True)
Layout = Annotated[WeightsLayout | None, typer.Option("--layout", help="What it must be [default: found out].")]
Weights = Annotated[Path, typer.Argument(help="A weights file, or the directory of a checkpoint or Hub repository.")]
Keys = Annotated[Path, typer.Option("--keys", help="Folder of signing.key and signing.pub.")]

app.command("probe-profile")(probe_profile)


@app.callback()
def weights() -> None:
    """Look into, check, convert, sign and try checkpoints."""


@app.command("inspect")
def inspect_command(path: Weights, layout: Layout = None, json: Json = False) -> None:
    """Say what weights are: layout, profile, sizes, types, and how their keys meet the network.

    Only headers are read. Exit code 2 if the file is not what it says it is.
    """
    from model.checkpoints.inspect import inspect_weights
    from workflows.cli.weights_tables import show_weights

    report = inspect_weights(path, layout)
    if json:
        typer.echo(report.model_dump_json())
    else:
        show_weights(report)


@app.command()
def verify(
    path: Weights,
    layout: Layout = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="Also check the signature beside a directory; folder of signing.pub.")
    ] = None,
    json: Json = False,
) -> None:
    """Read every tensor and check names, shapes, types and values; name each key that is wrong.

    Exit code 2 if anything is.
    """
    from model.checkpoints.verify import verify_weights
    from workflows.cli.weights_tables import reading, show_verdict

    if keys is not None:
        _check_signature(path, keys)
    with reading(quiet=json) as tick:
        report, _ = verify_weights(path, layout, tick)
    if json:
        typer.echo(report.model_dump_json())
    else:
        show_verdict(report)
    _fail_on_problems(report)


@app.command()
def convert(  # noqa: PLR0913, PLR0917 - one parameter per option of the command
    source: Weights,
    target: Annotated[Path, typer.Argument(help="Directory to write into.")],
    to: Annotated[WeightsLayout, typer.Option("--to", help="Layout to write.")] = WeightsLayout.OURS,
    layout: Layout = None,
    numerics: Annotated[
        ProfileChoice | None,
        typer.Option(help="Profile to state [default: as stated, else diffusers for its layout, v2 for others]."),
    ] = None,
    from_hub: Annotated[
        str | None, typer.Option(help="Hub repository OWNER/NAME to download into SOURCE first; nothing else does.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="With --from-hub: commit, 40 hexadecimal digits.")] = None,
    sha256: Annotated[
        list[str] | None, typer.Option(help="With --from-hub: FILE=SHA256, once for each file to download.")
    ] = None,
    json: Json = False,
) -> None:
    """Write weights in another layout; no value changes, and what could not be kept is said."""
    from model.checkpoints.convert import convert_weights
    from model.checkpoints.locate import locate
    from workflows.cli.weights_tables import show_conversion

    if from_hub is not None:
        _download(from_hub, revision or "", sha256 or [], source)
    report: ConversionReport = convert_weights(locate(source, layout), target, to, numerics.value if numerics else None)
    if json:
        typer.echo(report.model_dump_json())
    else:
        show_conversion(report, target)


@app.command()
def sign(
    directory: Annotated[Path, typer.Argument(help="Directory of a checkpoint or bundle.")],
    keys: Keys = Path("runs/local/keys"),
) -> None:
    """Sign every byte of a directory: DIRECTORY.manifest.json and .manifest.sig beside it.

    The key is made on first use, with mode 0600. `wm weights verify --keys` checks the signature.
    """
    from infra.signing import beside, ensure_key, public_text, sign_directory

    _require_directory(directory)
    key, files = ensure_key(keys), beside(directory.resolve())
    sign_directory(directory.resolve(), key, files)
    typer.echo(f"signed by {public_text(key.public_key())[:16]}: {files.manifest.name}, {files.signature.name}")


@app.command()
def fixture(
    out: Annotated[Path, typer.Option("--out", help="Directory to write into.")],
    layout: Annotated[WeightsLayout, typer.Option("--layout", help="Layout to write.")] = WeightsLayout.OURS,
    preset: Annotated[Preset, typer.Option(help="Sizes; paper has 2.66 B values, 10.6 GB.")] = Preset.TINY,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 0,
    whole: Annotated[
        bool, typer.Option(help="Also VAE, text models and refiner, tiny: what `wm generate --checkpoint` runs.")
    ] = False,
) -> None:
    """Write a small random checkpoint, for tests and demonstrations."""
    from model.checkpoints.fixture import write_fixture

    if whole:
        if layout is WeightsLayout.OURS or preset is not Preset.TINY:
            raise typer.BadParameter("--whole writes released and diffusers layouts in the tiny preset")
        from model.generation.released.fixture import write_release_fixture

        written = write_release_fixture(out, layout, seed)
    else:
        written = write_fixture(out, layout, preset, seed)
    for name in written:
        typer.echo(str(out / name))


def _check_signature(path: Path, keys: Path) -> None:
    from infra.signing import beside, trusted_key, verify_directory

    _require_directory(path)
    verify_directory(path.resolve(), trusted_key(keys), beside(path.resolve()))


def _require_directory(path: Path) -> None:
    from data_contracts.errors import ErrorCode, InputError

    if not path.is_dir():
        raise InputError(ErrorCode.WEIGHTS_INVALID, f"{path} is not a directory", "pass the directory of a checkpoint")


def _download(repository: str, revision: str, hashes: list[str], folder: Path) -> None:
    from infra.hub import download, pinned_files

    download(repository, revision, pinned_files(hashes), folder)


def _fail_on_problems(report: "VerifyReport") -> None:
    from data_contracts.errors import ErrorCode, InputError

    if not report.sound:
        first = report.problems[0]
        named = f"key {first.key}: " if first.key else ""
        raise InputError(
            ErrorCode.WEIGHTS_INVALID,
            f"{len(report.problems)} problems, first {named}{first.kind}, {first.detail}",
            "train, convert or download the file again",
        )
