"""The tutorial's data augmentation: half of each batch mirrored, at random."""

from __future__ import annotations

import numpy as np
from nolearn.lasagne import BatchIterator


class FlipBatchIterator(BatchIterator):
    """Flip half of the images of each batch, their keypoints with them.

    As in the tutorial the training set itself is flipped, and stays so until the next epoch
    draws anew; numbers come from NumPy's own generator. nolearn's TrainSplit copies the
    training set for such an iterator, so that the caller's X and y are left alone.

    Attributes
    ----------
    flip_indices : sequence of (int, int)
        The columns of y that change places, such as the left and the right eye's x; the
        specialists, which have fewer columns, set their own.
    """

    flip_indices = (
        (0, 2), (1, 3),
        (4, 8), (5, 9), (6, 10), (7, 11),
        (12, 16), (13, 17), (14, 18), (15, 19),
        (22, 24), (23, 25),
    )  # fmt: skip

    def transform(self, Xb, yb):
        Xb, yb = super().transform(Xb, yb)

        # Flip half of the images in this batch at random:
        bs = Xb.shape[0]
        indices = np.random.choice(bs, bs // 2, replace=False)
        Xb[indices] = Xb[indices, :, :, ::-1]

        if yb is not None:
            # Horizontal flip of all x coordinates:
            yb[indices, ::2] = yb[indices, ::2] * -1

            # Swap places, e.g. left_eye_center_x -> right_eye_center_x
            for a, b in self.flip_indices:
                yb[indices, a], yb[indices, b] = yb[indices, b], yb[indices, a]

        return Xb, yb
