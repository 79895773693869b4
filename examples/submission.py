"""Predict what Kaggle asks for: net2.pickle -> submission.csv.

    python examples/submission.py                         # net2.pickle
    python examples/submission.py net-specialists.pickle  # of examples/kfkd.py specialists
    python examples/submission.py --labels test_labels.csv

Needs Kaggle's test.csv and IdLookupTable.csv in data/. With the test faces' true coordinates
(a CSV of ImageId and training.csv's columns, empty where unknown; --labels, or test_labels.csv
beside test.csv), it prints the RMSE as Kaggle computes it.
Opening a pickle runs whatever code it holds: use only pickles that you trust.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import theano_today  # noqa: F401, I001  (first: it makes the packages of 2014 importable)

from kfkd import submission
from kfkd.kaggle_csv import open_faces
from kfkd.nets import load_nets, predict_columns
from kfkd.options import submission_options
from kfkd.output import quiet
from load import load2d


def main():
    options = submission_options(__doc__)
    lookup = submission.find_lookup()
    rows = submission.read_lookup(lookup)
    with quiet(True):  # without the counts that load prints
        X, _ = load2d(test=True)
    images = open_faces("test.csv").table().dropna()["ImageId"].astype(int)
    predicted = predict_columns(load_nets(options.pickle), X)

    values = submission.locations(rows, images, predicted)
    submission.write(options.out, rows, values)
    print(f"wrote {options.out}: {len(rows)} rows of {len(images)} faces")

    beside = lookup.path.with_name("test_labels.csv")
    labels = options.labels or (beside if beside.is_file() else None)
    if labels:
        error, count = submission.rmse(rows, values, submission.read_labels(labels))
        print(f"RMSE of the {count} rows that {labels} knows: {error:.5f} pixels")
    return 0


if __name__ == "__main__":
    sys.exit(main())
