"""No public name is forgotten: each stands in a test's list; docs/old_code.md counts them."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import importlib
from pathlib import Path

import lasagne
import nolearn.lasagne

from tests.lasagne_names import catalogue

HERE = Path(__file__).parent
TESTS = [
    f"tests.lasagne_names.{f.stem}" for f in HERE.glob("test_*.py") if f.stem != "test_complete"
]
MASTER_ONLY = {"test_master"}


def run():
    for name in [*TESTS, "tests.theano_today.compat.test_lasagne"]:
        importlib.import_module(name)
    return set(catalogue.RUN)


def names():
    found = catalogue.public_names(lasagne) | catalogue.public_names(nolearn.lasagne)
    return found | catalogue.used_names(lasagne) | catalogue.used_names(nolearn.lasagne)


def test_every_name_is_run():
    forgotten = names() - run()
    assert not forgotten, sorted(forgotten)


def test_the_page_says_how_many():
    if catalogue.MASTER:
        return
    page = (HERE.parents[1] / "docs" / "old_code.md").read_text()
    packages = {
        "theano.tensor": catalogue.used_names(lasagne) | catalogue.used_names(nolearn.lasagne),
        "lasagne": catalogue.public_names(lasagne),
        "nolearn.lasagne": catalogue.public_names(nolearn.lasagne),
    }
    for package, found in packages.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{package}`"))
        assert [cell.strip() for cell in row.split("|")[2:4]] == [str(len(found))] * 2, package


def test_nothing_is_said_to_be_run_that_is_not_there():
    """A slip of the pen, or a name that only another version of Lasagne has."""
    known = names()
    for name in run() - known:
        module, _, word = name.rpartition(".")
        if module.startswith("lasagne") and MASTER_ONLY.issuperset(catalogue.RUN[name]):
            continue
        if catalogue.MASTER and module.startswith("lasagne"):
            continue
        assert hasattr(importlib.import_module(module), word), name
