"""``wm why``: the verdict of one clip, explained."""

from typing import Annotated

import typer

from workflows.cli.options import Json, WorkdirOption, chosen_workdir


def why(
    clip: Annotated[str, typer.Argument(help="A clip id, the beginning of one, or the path of a listed input.")],
    workdir: WorkdirOption = None,
    json: Json = False,
) -> None:
    """Show each score of a clip, the range it must lie in, the rule and its version, and the picture."""
    from data_contracts.contract_loader import load_contracts
    from tasks.filtering.report import explain, read_corpus
    from workflows.cli.corpus_tables import show_explanation

    corpus = read_corpus(chosen_workdir(workdir).artifacts)
    for explanation in explain(corpus, load_contracts(), clip):
        if json:
            typer.echo(explanation.model_dump_json())
        else:
            show_explanation(explanation)
