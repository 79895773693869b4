"""``python -m theano_today setup``: what is there already, and what pip says if it fails."""

import sys
from pathlib import Path

import pytest

from theano_today.__main__ import main
from theano_today.errors import SetupError
from theano_today.setup import packages


def test_what_is_installed_stays(capsys, monkeypatch):
    monkeypatch.setattr(packages.subprocess, "run", None)  # nothing may be started
    versions = packages.PACKAGES | packages.TRANSLATORS
    monkeypatch.setattr(packages, "_installed", versions.get)
    assert main(["setup"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Theano 1.0.5 is installed",
        "Lasagne 0.1 is installed",
        "nolearn 0.6.1 is installed",
    ]


def test_fissix_is_installed_too(capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(packages, "_pip", lambda command, arguments: asked.append(arguments))
    monkeypatch.setattr(packages, "_installed", packages.PACKAGES.get)
    assert main(["setup"]) == 0
    assert asked == [["--no-deps", "fissix==24.4.24", "appdirs==1.4.4"]]


def test_its_version_is_that_of_the_requirements():
    root = Path(__file__).parents[3]
    for name, version in packages.TRANSLATORS.items():
        pin = f"{name}=={version}"
        assert pin in (root / "requirements.txt").read_text()
        assert pin in (root / "pyproject.toml").read_text()


def test_a_pip_that_is_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(packages, "_installed", lambda name: None)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'python: No module named pip' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(SetupError, match=r"^pip install failed: python: No module named pip$"):
        packages.install()


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", "it said nothing"),
        ("Looking\nERROR: No matching distribution\nhint\n", "ERROR: No matching distribution"),
        (
            "error: externally-managed-environment\n\nThis environment is managed\n",
            "this Python is managed by the system; make an environment first: python -m venv",
        ),
    ],
)
def test_reasons(output, reason):
    assert packages._reason(output) == reason
