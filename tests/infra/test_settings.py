"""Profiles are complete, alike in their keys, and refuse what they do not know."""

import pytest
import yaml

from data_contracts.errors import InputError
from infra import settings as module
from infra.settings import PROFILE_VARIABLE, PROFILES, load_settings, profile_names


def test_the_environment_picks_the_profile_and_an_argument_wins(monkeypatch):
    monkeypatch.delenv(PROFILE_VARIABLE, raising=False)
    assert load_settings().profile == "local"
    monkeypatch.setenv(PROFILE_VARIABLE, "cluster")
    assert load_settings().profile == "cluster"
    assert load_settings("local").profile == "local"


def test_an_unknown_profile_names_the_known_ones(monkeypatch):
    with pytest.raises(InputError, match=r"'laptop'.*cluster, local"):
        load_settings("laptop")
    monkeypatch.setenv(PROFILE_VARIABLE, "x")
    with pytest.raises(InputError, match="E202"):
        load_settings()


def test_a_wrong_value_is_named(tmp_path, monkeypatch):
    values = yaml.safe_load((PROFILES / "local.yaml").read_text())
    (tmp_path / "local.yaml").write_text(yaml.safe_dump({**values, "workers": 0, "profile": "local"}))
    monkeypatch.setattr(module, "PROFILES", tmp_path)
    with pytest.raises(InputError, match=r"E205.*workers"):
        load_settings("local")


def keys(value, prefix=""):
    if not isinstance(value, dict):
        return {prefix}
    return {key for name, inner in value.items() for key in keys(inner, f"{prefix}.{name}")}


def test_profiles_have_the_same_keys():
    shapes = {name: keys(yaml.safe_load((PROFILES / f"{name}.yaml").read_text())) for name in profile_names()}
    assert shapes["local"] == shapes["cluster"]
