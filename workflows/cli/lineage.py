"""``wm lineage``: where something came from and what came of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workflows.cli.options import Json, Profile, WorkdirOption

if TYPE_CHECKING:
    from rich.tree import Tree

    from data_contracts.lineage import LineageNode, LineageReport

Reference = Annotated[
    str,
    typer.Argument(help="Artifact name or id, clip id, MLflow run, model version. Ids may be shortened."),
]
Verify = Annotated[bool, typer.Option("--verify", help="Read every byte behind it again; exit 1 when one is wrong.")]
CLIPS_SHOWN = 12


def lineage(
    reference: Reference,
    verify: Verify = False,
    workdir: WorkdirOption = None,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Follow a reference to the clips it was made from and to everything that was made from it.

    Examples: `wm lineage release --verify`, `wm lineage 3f2a9c`, `wm lineage CLIP_ID`.
    """
    from data_contracts.errors import ErrorCode, OperationError
    from infra.settings import load_settings
    from workflows.graph import GRAPH
    from workflows.lineage import open_lineage

    settings = load_settings(profile)
    found = open_lineage(GRAPH, workdir or Path(settings.workdir), settings).report(reference, verify=verify)
    if json:
        typer.echo(found.model_dump_json())
    else:
        _show(found)
    if found.problems:
        raise OperationError(
            ErrorCode.ARTIFACT_CORRUPT,
            "; ".join(found.problems),
            "restore these files from the remote or a copy, or run their stages again with --force",
        )


def _show(report: "LineageReport") -> None:
    from rich.console import Console
    from rich.tree import Tree

    console = Console(highlight=False, soft_wrap=True)
    tree = Tree(f"{report.kind.value} {report.reference}")
    for title, nodes in (("is", report.subjects), ("made from", report.upstream), ("led to", report.downstream)):
        _branch(tree.add(f"[bold]{title}[/]"), nodes)
    clips = tree.add(f"[bold]{len(report.clips)} clips[/]")
    for clip in report.clips[:CLIPS_SHOWN]:
        clips.add(f"{clip.clip_id} {clip.path} ({clip.source}, {clip.licence})")
    if len(report.clips) > CLIPS_SHOWN:
        clips.add(f"and {len(report.clips) - CLIPS_SHOWN} more; --json lists all")
    console.print(tree)
    if report.verified and not report.problems:
        console.print("[green]verified[/]: every byte is as it was recorded")


def _branch(tree: "Tree", nodes: "list[LineageNode]") -> None:
    for node in nodes:
        tree.add(f"{node.artifact} [cyan]{node.id}[/] MLflow {node.mlflow_run} commit {node.git_commit[:10]}")
