"""``wm why``: the verdict of one clip, explained."""

from typing import Annotated

import typer

from workflows.cli.options import Json, WorkdirOption, chosen_workdir, contracts_in_force


def why(
    clip: Annotated[str, typer.Argument(help="A clip id, the beginning of one, or the path of a listed input.")],
    workdir: WorkdirOption = None,
    json: Json = False,
) -> None:
    """Show each score of a clip, the range it must lie in, the rule and its version, and the picture."""
    from infra.ledger import Ledger
    from tasks.filtering.report import explain, read_corpus
    from workflows.cli.corpus_tables import show_explanation

    home = chosen_workdir(workdir)
    entries = Ledger(home).entries()
    for explanation in explain(read_corpus(home.artifacts), contracts_in_force(workdir), clip, entries):
        if json:
            typer.echo(explanation.model_dump_json())
        else:
            show_explanation(explanation)
