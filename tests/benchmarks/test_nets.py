"""The tables of nets.py and its turns; nothing is timed here."""

from benchmarks import nets
from benchmarks.common import Spread
from benchmarks.nets import ENGINE, Row, shares, table, turns


class Contestant:
    """Takes so many seconds a step."""

    def __init__(self, seconds):
        self.seconds, self.idle, self.asked = seconds, 0.25, []

    def ask(self, count):
        self.asked.append(count)
        times = {"seconds": [self.seconds] * count, "processor": [2 * self.seconds] * count}
        return {**times, "peak MiB": 100.0, "multiplications": 5e9}


def test_turns_of_about_a_second():
    fast, slow = Contestant(0.1), Contestant(3.0)
    rows = turns({"fast": fast, "slow": slow}, repeats=2)
    assert fast.asked == [1, 1, 10, 10]
    assert slow.asked == [1, 1, 1, 1]
    assert rows["fast"] == Row(Spread(0.1, 0.1, 0.1), 100.0, 5e9, 0.25)
    rows = turns({"fast": fast}, 1, "processor")
    assert rows["fast"].seconds == Spread(0.2, 0.2, 0.2)


def test_tables():
    tuned = "PyTorch, tuned"
    measured = {
        "mlp": {
            ENGINE: Row(Spread(0.02, 0.01, 0.03), 300.4, 2e9, 0),
            tuned: Row(Spread(0.04, 0.03, 0.05), 500, 0, 0),
        },
        "vgg": {ENGINE: Row(Spread(0.2, 0.1, 0.3), 300, 0, 0)},
    }
    names = [ENGINE, "stock Theano", tuned]
    assert table(measured, names) == {
        nets.WHAT["mlp"]: {
            ENGINE: "20 (10 to 30)", "stock Theano": "", tuned: "40 (30 to 50)",
            "tuned / engine": "2.00",
        },
        nets.WHAT["vgg"]: {
            ENGINE: "200 (100 to 300)", "stock Theano": "", tuned: "", "tuned / engine": "",
        },
    }  # fmt: skip
    rows = shares(measured, names, peak=4e11)
    assert rows[nets.WHAT["mlp"]] == {
        "G multiplications": "2.00", ENGINE: "50%, 300 MiB", "stock Theano": "",
        tuned: "25%, 500 MiB",
    }  # fmt: skip
    assert rows[nets.WHAT["vgg"]]["G multiplications"] == ""
    assert rows[nets.WHAT["vgg"]][ENGINE] == "300 MiB"


def test_each_net_is_described():
    assert list(nets.WHAT) == list(nets.BATCHES)
