"""The two modules that Lasagne 0.1 and nolearn 0.6.1 miss on the stack of 2020; nothing else.

Theano 1.0 dropped theano.tensor.signal.downsample, scikit-learn 0.20 sklearn.cross_validation.
Their folds are those of scikit-learn 0.16: consecutive runs, for StratifiedKFold of each class.
"""

import sys
import types

import numpy as np
import sklearn
import theano.tensor.signal
import theano.tensor.signal.pool as pool


def max_pool_2d(input, ds, ignore_border=None, st=None, padding=(0, 0), mode="max"):
    return pool.pool_2d(
        input, ws=ds, ignore_border=ignore_border, stride=st, pad=padding, mode=mode
    )


class KFold:
    def __init__(self, n, n_folds=3):
        self.n_folds = int(n_folds)
        self.fold_of = consecutive(n, self.n_folds)

    def __iter__(self):
        for fold in range(self.n_folds):
            yield np.flatnonzero(self.fold_of != fold), np.flatnonzero(self.fold_of == fold)


class StratifiedKFold(KFold):
    def __init__(self, y, n_folds=3):
        self.n_folds = int(n_folds)
        self.fold_of = np.empty(len(y), int)
        for label in np.unique(y):
            self.fold_of[y == label] = consecutive(np.sum(y == label), self.n_folds)


def consecutive(n, n_folds):
    lengths = [n // n_folds + (fold < n % n_folds) for fold in range(n_folds)]
    return np.repeat(np.arange(n_folds), lengths)


def supply(name, parent, **names):
    module = types.ModuleType(name)
    vars(module).update(names)
    sys.modules[name] = module
    setattr(parent, name.rpartition(".")[2], module)


supply(
    "theano.tensor.signal.downsample",
    theano.tensor.signal,
    max_pool_2d=max_pool_2d,
    DownsampleFactorMax=pool.Pool,
)
supply("sklearn.cross_validation", sklearn, KFold=KFold, StratifiedKFold=StratifiedKFold)
