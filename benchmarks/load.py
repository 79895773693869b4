"""Time load.load(): the first time, with its cache, and the tutorial's own code on pandas.

    python benchmarks/load.py [--data DIR] [--runs N]

Each measurement runs in a Python of its own; imports count for the memory, not for the time.
The CSV is in the operating system's cache for all three. Without Kaggle's files, in --data,
KFKD_DATA or data/, the generated faces are measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Behind this folder's own, so that `common` is found here and `load` is never this file.
sys.path.append(str(ROOT))

from benchmarks.common import fresh, interleave, table  # noqa: E402
from kfkd.files import TRAIN, find_or_draw  # noqa: E402

# The tutorial's load(), word for word but for the file's name and Python 3's print.
TUTORIAL = """
df = read_csv(FTRAIN)
df["Image"] = df["Image"].apply(lambda im: np.fromstring(im, sep=" "))
print(df.count())
df = df.dropna()
X = np.vstack(df["Image"].values) / 255.0
X = X.astype(np.float32)
y = df[df.columns[:-1]].values
y = (y - 48) / 48
X, y = shuffle(X, y, random_state=42)
y = y.astype(np.float32)
"""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="DIR", help="folder with training.csv")
    parser.add_argument("--runs", type=int, default=7, help="measurements of each (default 7)")
    options = parser.parse_args()
    if options.data:
        os.environ["KFKD_DATA"] = options.data
    csv = find_or_draw(TRAIN).path.resolve()
    if csv.name != TRAIN:
        parser.error(f"{csv}: pandas needs an unpacked {TRAIN}")

    # Links in a folder of our own: the user's cache beside the CSV stays as it is.
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / TRAIN).symlink_to(csv)
        cache = Path(folder) / f".{TRAIN}.cache"
        env = os.environ | {"KFKD_DATA": folder, "PYTHONPATH": str(ROOT)}

        def first() -> dict[str, float]:
            cache.unlink(missing_ok=True)
            return fresh("from load import load", "load()", env)

        def cached() -> dict[str, float]:
            return fresh("from load import load", "load()", env)

        def tutorial() -> dict[str, float]:
            setup = (
                "import numpy as np\nfrom pandas import read_csv\n"
                f"from sklearn.utils import shuffle\nFTRAIN = {str(csv)!r}"
            )
            return fresh(setup, TUTORIAL, env)

        contestants = {"tutorial, pandas": tutorial, "first load": first, "cached load": cached}
        results = interleave(contestants, options.runs)
    print(f"{csv} ({csv.stat().st_size / 1e6:.0f} MB); median (least to most) of {options.runs}")
    print(table(results))


if __name__ == "__main__":
    main()
