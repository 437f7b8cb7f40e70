"""What the report is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_contracts.report import StageResult


@dataclass(frozen=True)
class ReportRequest:
    """The inputs of one report.

    Attributes:
        artifacts: artifact name -> directory, for every artifact the workdir holds (also those of earlier runs).
        ids: artifact name -> content id.
        stages: the stages of this run, in order, with status and seconds.
        parents: artifact name -> names of the artifacts it was made from.
        links: label -> path or URL, shown at the top.
        facts: label -> value, shown at the top (model version, endpoint, corpus, commit).
        corpus_page: the steward's page as seen from the report; "" where there is none.
    """

    artifacts: Mapping[str, Path]
    ids: Mapping[str, str]
    stages: Sequence[StageResult]
    parents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    corpus_page: str = ""


@dataclass(frozen=True)
class Section:
    """One part of the page: ``body`` is HTML that the section itself has escaped."""

    anchor: str
    title: str
    body: str
