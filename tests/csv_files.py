"""Small CSV files in Kaggle's format, and the tutorial's load() to compare with."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import shuffle

POINTS = [
    "left_eye_center",
    "right_eye_center",
    "left_eye_inner_corner",
    "left_eye_outer_corner",
    "right_eye_inner_corner",
    "right_eye_outer_corner",
    "left_eyebrow_inner_end",
    "left_eyebrow_outer_end",
    "right_eyebrow_inner_end",
    "right_eyebrow_outer_end",
    "nose_tip",
    "mouth_left_corner",
    "mouth_right_corner",
    "mouth_center_top_lip",
    "mouth_center_bottom_lip",
]
COLUMNS = [point + axis for point in POINTS for axis in ("_x", "_y")]


def image(seed: int = 0) -> str:
    """9216 pixels; every value from 0 to 255 occurs."""
    values = np.random.RandomState(seed).randint(0, 256, 9216)
    values[:256] = np.arange(256)
    return " ".join(map(str, values))


def face(seed: int = 0, **changed: str) -> list[str]:
    """A row's 31 fields; for example ``nose_tip_x=""``, ``Image="1 2"``."""
    labels = np.random.RandomState(seed).uniform(0, 96, 30)
    fields = dict(zip(COLUMNS, (f"{value:.10f}" for value in labels), strict=True))
    return list((fields | {"Image": image(seed)} | changed).values())


def training(*rows: list[str], end: str = "\n") -> bytes:
    """A training.csv."""
    return "".join(",".join(row) + end for row in ([*COLUMNS, "Image"], *rows)).encode()


def unlabelled(*images: str) -> bytes:
    """A test.csv."""
    rows = [f"{i},{text}\n" for i, text in enumerate(images, 1)]
    return "".join(["ImageId,Image\n", *rows]).encode()


def tutorial_load(path: Path, test=False, cols=None):
    """What the tutorial's load() prints and returns, in its words: (text, X, y)."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        df = pd.read_csv(path)
        df["Image"] = df["Image"].apply(
            # The tutorial stops at a missing image; here it is missing like any other value.
            lambda im: im if pd.isna(im) else np.fromstring(im, sep=" ")
        )
        if cols:
            df = df[[*cols, "Image"]]
        print(df.count())
        df = df.dropna()
        X = np.vstack(df["Image"].values) / 255.0
        X = X.astype(np.float32)
        if not test:
            y = df[df.columns[:-1]].values
            y = (y - 48) / 48
            X, y = shuffle(X, y, random_state=42)
            y = y.astype(np.float32)
        else:
            y = None
    return out.getvalue(), X, y
