"""Generated faces, which stand in for Kaggle's where nobody has downloaded them.

They have Kaggle's size, keypoints, number of rows and pattern of missing labels, and are the
same bytes on every machine. README.md of the folder data/ says how to get the real ones.
Nothing here needs, or was made from, a picture of anybody.

Unlike Kaggle's they stand bright before a dark wall, at places that vary twice as much. On
pictures with Kaggle's statistics net2 takes over 20 epochs to get below the loss of
predicting the mean, as it does on Kaggle's own; on these it is far below by then, so that
a first try shows learning within minutes.

The files, from the ground up: shapes.py (soft shapes, random numbers), pose.py (form of the
head, projection), canvas.py, then eyes.py, mouth.py and head.py (the parts), scene.py (a whole
picture), table.py (rows, missing labels, CSV).
"""

from kfkd.faces.table import (
    COLUMNS,
    KEYPOINTS,
    SEED,
    TEST_ROWS,
    TRAIN_ROWS,
    draw,
    draw_many,
    keypoints,
    labelled,
    write_csv,
)

# To be raised with every change that moves a pixel or a label: files of old faces are then
# not taken for the new ones.
VERSION = 1

__all__ = [
    "COLUMNS",
    "KEYPOINTS",
    "SEED",
    "TEST_ROWS",
    "TRAIN_ROWS",
    "VERSION",
    "draw",
    "draw_many",
    "keypoints",
    "labelled",
    "write_csv",
]
