"""The page server shows reports and data docs and nothing else of a workdir."""

from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from data_contracts.errors import InputError, OperationError
from infra.viewer import mlflow_server, page_server
from infra.workdir import Workdir


@pytest.fixture
def workdir(tmp_path: Path) -> Workdir:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "report.html").write_text("a page")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "private.pem").write_text("secret")
    return Workdir(tmp_path)


def test_a_page_is_served(workdir: Workdir) -> None:
    with page_server(workdir.root, 0) as url, urlopen(f"{url}/reports/report.html", timeout=5) as answer:
        assert answer.read() == b"a page"


@pytest.mark.parametrize("path", ["/keys/private.pem", "/reports/../keys/private.pem", "/", "/reports/%2e%2e/keys/"])
def test_nothing_else_is(workdir: Workdir, path: str) -> None:
    with page_server(workdir.root, 0) as url, pytest.raises(HTTPError, match="404"):
        urlopen(url + path, timeout=5)


def test_a_busy_port_has_a_code(workdir: Workdir) -> None:
    with (
        page_server(workdir.root, 0) as url,
        pytest.raises(OperationError, match="E505"),
        page_server(workdir.root, int(url.rsplit(":", 1)[1])),
    ):
        pass


def test_a_workdir_without_runs_has_a_code(workdir: Workdir) -> None:
    with pytest.raises(InputError, match="E204"):
        mlflow_server(workdir, 0)
