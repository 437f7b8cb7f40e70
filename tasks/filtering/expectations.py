"""The contracts as Great Expectations suites, and Data Docs of the stored scores. It reports; polars decides.

Great Expectations takes about ten seconds to import, so that this runs in a process of its own beside the next stages.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from data_contracts.contract import QualityRule
from data_contracts.contract_loader import ContractSet, load_contracts

if TYPE_CHECKING:
    import great_expectations as gx
    from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext

SITE = "data_docs"


def build_data_docs(scores_dir: str | Path, verdicts_dir: str | Path, out_dir: str | Path) -> None:
    """Validate the stored scores under the contracts in force, one suite a source, and write the pages.

    Args:
        scores_dir: artifact ``filter_scores``.
        verdicts_dir: artifact ``filter_verdicts``; says which source a listed input belongs to.
        out_dir: where ``index.html`` and its pages are written.
    """
    write_data_docs(wide_scores(Path(scores_dir), Path(verdicts_dir)), Path(out_dir))


def write_data_docs(table: pl.DataFrame, out_dir: Path) -> None:
    """The same of a wide table (``wide_scores``)."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    contracts = load_contracts()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.add_data_docs_site(SITE, cast("Any", _site(out_dir)))  # its own type is private
    asset = context.data_sources.add_pandas("filter").add_dataframe_asset("scores")
    sources = sorted(set(table["source"].to_list()))
    for source in sources:
        batch = asset.add_batch_definition_whole_dataframe(source)
        suite = context.suites.add(_suite(contracts, source, table.columns))
        definition = gx.ValidationDefinition(name=source, data=batch, suite=suite)
        context.validation_definitions.add(definition)
        rows = table.filter(pl.col("source") == source).to_pandas()
        _checkpoint(context, definition).run(batch_parameters={"dataframe": rows})
    context.build_data_docs(site_names=[SITE])


def wide_scores(scores_dir: Path, verdicts_dir: Path) -> pl.DataFrame:
    """One row a listed input, one column a metric and scorer (``metric by scorer``), plus path, clip_id and source."""
    scores = pl.read_parquet(scores_dir / "scores.parquet")
    verdicts = pl.read_parquet(verdicts_dir / "verdicts.parquet").select("path", "clip_id", "source", "status")
    named = scores.with_columns(column=pl.format("{} by {}", "metric", "scorer"))
    wide = named.pivot(on="column", index="path", values="value", sort_columns=True)
    return verdicts.join(wide, on="path", how="left").sort("path")


def column_of(rule: QualityRule) -> str:
    """The column of ``wide_scores`` that a rule speaks of."""
    return f"{rule.metric} by {rule.scorer}"


def _suite(contracts: ContractSet, source: str, columns: Sequence[str]) -> "gx.ExpectationSuite":
    """One expectation a cell; cells whose scorer the profile lacks are listed in the suite's notes."""
    import great_expectations as gx
    from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.core.expect_column_values_to_be_unique import ExpectColumnValuesToBeUnique

    rules = contracts.rules_of(source)
    measured = [rule for rule in rules if column_of(rule) in columns]
    expectations: list[Any] = [ExpectColumnValuesToBeUnique(column="path", notes="every input is listed once")]
    expectations += [
        ExpectColumnValuesToBeBetween(
            column=column_of(rule),
            min_value=rule.minimum,
            max_value=rule.maximum,
            notes=f"**{rule.id}** v{rule.version}, {rule.origin.value}: {rule.reason}",
            meta={"rule": rule.id, "version": rule.version, "origin": rule.origin.value},
        )
        for rule in measured
    ]
    missing = sorted({f"{rule.id} ({column_of(rule)})" for rule in rules if rule not in measured})
    told = f"not evaluated, their scorers are not in this profile: {', '.join(missing)}" if missing else ""
    return gx.ExpectationSuite(
        name=f"{source} {contracts.version_of(source)}".replace(".", "-"),
        expectations=expectations,
        notes=told or None,
    )


def _checkpoint(context: "AbstractDataContext", definition: "gx.ValidationDefinition") -> "gx.Checkpoint":
    import great_expectations as gx

    return context.checkpoints.add(
        gx.Checkpoint(
            name=definition.name,
            validation_definitions=[definition],
            result_format={"result_format": "SUMMARY", "unexpected_index_column_names": ["path"]},
        )
    )


def _site(out_dir: Path) -> dict[str, Any]:  # Great Expectations' own configuration values
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(out_dir.resolve())},
    }
