"""SIGKILL at fifty random moments, thirty or so of them in the middle of writing a file."""

import json

import pytest

from tests.fresh_python import fresh_python


@pytest.mark.long
def test_nothing_is_lost(tmp_path):
    arguments = (
        "-m",
        "tests.theano_today.training.checkpoints.kills",
        tmp_path / "kills",
        "--kills",
        50,
    )
    done = fresh_python("-W", "ignore", *arguments, timeout=900)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    # Those that the script compares are all equal; here, that it did what it is there for.
    assert figures["kills"] == 50
    assert figures["in_writes"] >= 10
    assert figures["resumed"] >= 20
    assert figures["runs"] >= 5
