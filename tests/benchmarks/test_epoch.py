"""The table of epoch.py; nothing is timed here."""

from benchmarks.common import Spread, markdown
from benchmarks.epoch import ENGINE, measure, ratios


class Contestant:
    """Takes the given seconds, one after the other."""

    def __init__(self, *seconds):
        self.seconds = list(seconds)
        self.asked = []

    def ask(self, **request):
        self.asked.append(request)
        return {"seconds": self.seconds.pop(0)}


def test_only_those_that_take_long_train_parts():
    fast, slow = Contestant(4.0, 1, 2, 3), Contestant(9.0, 8, 7, 6)
    firsts, seconds = measure({"fast": fast, "slow": slow}, runs=3, whole=False)
    assert firsts == {"fast": {"seconds": 4.0}, "slow": {"seconds": 9.0}}
    assert seconds == {"fast": Spread(2, 1, 3), "slow": Spread(7, 6, 8)}
    assert fast.asked == [{"faces": "dithered"}, *[{"part": False}] * 3]
    assert slow.asked == [{"faces": "dithered"}, *[{"part": True}] * 3]
    slow = Contestant(9.0, 8)
    measure({"slow": slow}, runs=1, whole=True)
    assert slow.asked[1:] == [{"part": False}]


def test_ratios():
    rows = ratios({ENGINE: Spread(2, 1, 3), "another": Spread(9, 8, 10)})
    assert [row["times this engine's"] for row in rows.values()] == ["1.00", "4.50"]
    assert markdown(rows).splitlines() == [
        "|                   | seconds an epoch | times this engine's |",
        "| ----------------- | ---------------- | ------------------- |",
        "| net2, this engine | 2 (1 to 3)       | 1.00                |",
        "| another           | 9 (8 to 10)      | 4.50                |",
    ]
    assert ratios({"another": Spread(9, 8, 10)})["another"]["times this engine's"] == ""
