"""Each finding that is not good says what to do."""

from collections import namedtuple
from pathlib import Path

import pytest

from data_contracts.doctor import Health
from infra import health
from infra.settings import load_settings


def test_every_check_reports_and_bad_ones_have_a_fix(tmp_path: Path) -> None:
    report = health.examine(load_settings("local"), tmp_path / "not" / "there")
    assert [finding.check for finding in report.findings] == [
        "python", "cores", "memory", "disk", "file system", "ffmpeg", "port",
    ]  # fmt: skip
    assert all(finding.fix for finding in report.findings if finding.health is not Health.GOOD)


def test_a_full_disk_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _: usage(1, 1, 1))
    findings = {finding.check: finding for finding in health.examine(load_settings("local"), tmp_path).findings}
    assert findings["disk"].health is Health.PROBLEM
    assert "--workdir" in findings["disk"].fix
