"""Find the keypoints of any number of faces, on many machines at once.

    python examples/predict_many.py faces.csv   # net2.pickle, into predicted/
    python examples/predict_many.py faces.parquet --net ensemble.pickle
    python examples/predict_many.py pictures/ --out points
    python examples/predict_many.py faces/ --scheduler tcp://host:8786

A .csv or .parquet has a column Image, as Kaggle's test.csv; in a folder each
picture is all face. Part by part: memory does not grow with the number of
faces, each part is written whole or not at all, and the same command again goes
on where it was stopped. Needs requirements-examples.txt.
Opening a pickle runs whatever code it holds: use only pickles that you trust.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import theano_today  # noqa: F401, I001  (first: it makes the packages of 2014 importable)

from kfkd.cluster.options import predict_many_options
from kfkd.run import run


def main():
    options = predict_many_options(__doc__)
    from kfkd.cluster.predicting import predict_many  # Dask is imported by it

    return predict_many(options)


if __name__ == "__main__":
    sys.exit(run(main))
