"""Programs in the style of the time, Python 2 as they are, through the runner, to their results.

What `semantics.py` prints, and the results of the programs that name no random numbers of
Theano's, are what the same files gave on CPython 2.7.18 with NumPy 1.16.6 and Theano 1.0.5.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fissix_needed import needs_fissix
from tests.fresh_python import fresh_python

pytestmark = needs_fissix

PROGRAMS = Path(__file__).with_name("programs")

# Program, arguments, what it must print, and the largest result it may end with.
QUICK = [
    ("logistic_regression", ["{}/shapes.pkl"], ["batches 20 10 10", "saved [(36, 4), (4,)]"], 0.15),
    ("iterator", ["{}/net.pickle"], ["rate 0.005 pickled True"], 0.1),
]
LONG = [
    ("mlp", [], ["epoch 30 cost 0.0483", "float64 float64"], 0.08),
    ("lenet", [], ["quarter 2"], 0.15),
    ("autoencoder", [], [], 0.01),
    ("rbm", [], ["energies True"], 0.06),
    ("recurrent", ["lstm"], [], 0.1),
    ("recurrent", ["gru"], [], 0.1),
    ("embedding", [], ["['home', 'ran', 'the', 'dog', 'green', 'red', 'cow', 'blue', 'cat']"], 0),
    ("gan", [], [], 0.5),
    ("vae", [], [], 0.5),
    ("transfer", ["{}/weights.pkl"], ["kept True ['body.W', 'body.b', 'head.W'"], 0.3),
    ("custom_layer", [], ["refused: 7 units in groups of 2", "(None, 20)"], 0.08),
    ("custom_op", [], ["True"], 0.005),
    ("custom_update", [], ["units 33 epochs 25"], 0.25),
    ("handlers", ["{}/log.csv"], ["Early stopping.", "stopped True True", "best True True"], 0.4),
    ("specialists", ["{}"], ["['left_x', 'left_y', 'right_x', 'right_y'] 334 122"], 0.15),
]


def run(name, *arguments):
    return fresh_python("-m", "theano_today", PROGRAMS / f"{name}.py", *arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "says", "largest"),
    [*QUICK, *(pytest.param(*case, marks=pytest.mark.long) for case in LONG)],
)
def test_trained_to_its_result(name, arguments, says, largest, tmp_path):
    done = run(name, *(argument.format(tmp_path) for argument in arguments))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"{name}.py: Python 2, translated as it runs\n")
    for line in says:
        assert line in done.stdout
    result = float(re.search(r"result (\S+)", done.stdout)[1])
    assert result <= largest


@pytest.mark.parametrize("name", ["semantics", "strings", "words"])
def test_what_python_2_printed(name, tmp_path):
    done = run(name, tmp_path)
    assert done.returncode == 0, done.stderr
    expected = (PROGRAMS / f"{name}.txt").read_text(encoding="utf-8")
    assert done.stdout.splitlines() == expected.splitlines()
