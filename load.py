"""Load the faces and their keypoints: Kaggle's CSV files, as in the tutorial of 2014.

``load()`` gives flat images for a plain net, ``load2d()`` the same as pictures for a
convolutional one. Kaggle's files belong in data/ (data/README.md says how to get them);
generated faces stand in while they are not there.
"""

import theano_today  # noqa: F401, I001 - first, as everywhere: it lets the libraries of 2015 run

import numpy as np
from sklearn.utils import shuffle

from kfkd.kaggle_csv import open_faces

FTRAIN = "training.csv"
FTEST = "test.csv"


def load(test=False, cols=None):
    """Load data from FTEST if `test` is True, otherwise from FTRAIN.

    Prints the number of values for each column. Rows with missing values are left out.

    Parameters
    ----------
    test : bool
        Load the images without targets.
    cols : sequence of str, optional
        The target columns of interest; fewer columns leave more rows complete.

    Returns
    -------
    X : float32, shape (rows, 9216)
        Grey values of the 96 x 96 images, row by row from the top, from 0 (black) to 1.
    y : float32, shape (rows, 30) or (rows, len(cols)), or None for the test images
        x and y of the keypoints, from -1 (left or upper edge: pixel 0) to 1 (pixel 96).

    Raises
    ------
    DataError (a ValueError), MissingFileError (a FileNotFoundError)
        One line that names the file, the line and the column, and what is wrong with it.
    """
    faces = open_faces(FTEST if test else FTRAIN)
    df = faces.table(cols)  # its column 'Image' says where to find each image

    print(df.count())  # prints the number of values for each column
    df = df.dropna()  # drop all rows that have missing values in them

    pixels = faces.images(df["Image"])

    if not test:  # only FTRAIN has any target columns
        y = df[df.columns[:-1]].values
        y = (y - 48) / 48  # scale target coordinates to [-1, 1]
        pixels, y = shuffle(pixels, y, random_state=42)  # shuffle train data
        y = y.astype(np.float32)
    else:
        y = None

    X = pixels / np.float32(255)  # scale pixel values to [0, 1]
    return X, y


def load2d(test=False, cols=None):
    """Load as `load` does, X as pictures: float32, shape (rows, 1, 96, 96)."""
    X, y = load(test=test, cols=cols)
    X = X.reshape(-1, 1, 96, 96)
    return X, y
