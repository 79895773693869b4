"""Made data of all programs here: digits drawn by hand, noisy, on small images."""
import cPickle as pickle
import os
import random

import numpy as np
import theano
import theano.tensor as T

DIGITS = {
    0: "0110 1001 1001 1001 0110",
    1: "0010 0110 0010 0010 0111",
    2: "1110 0001 0110 1000 1111",
    3: "1110 0001 0110 0001 1110",
}


def pattern(digit):
    rows = DIGITS[digit].split()
    return np.array([map(int, row) for row in rows], dtype='float64')


def make(n=400, side=8, seed=1, noise=.15):
    rng = np.random.RandomState(seed)
    X = np.zeros((n, side * side))
    y = np.zeros(n, dtype='int64')
    for i in xrange(n):
        y[i] = i % len(DIGITS)
        image = np.zeros((side, side))
        down, right = rng.randint(0, side - 5 + 1), rng.randint(0, side - 4 + 1)
        image[down:down + 5, right:right + 4] = pattern(y[i])
        X[i] = (image + noise * rng.randn(side, side)).reshape(-1)
    order = range(n)
    random.seed(seed)
    random.shuffle(order)
    return X[order], y[order]


def save(path, n=800, side=6, **options):
    X, y = make(n, side, **options)
    third = n / 4
    sets = [(X[third * 2:], y[third * 2:]), (X[:third], y[:third]), (X[third:third * 2], y[third:third * 2])]
    pickle.dump(sets, open(path, 'wb'), -1)


def load(path):
    if not os.path.exists(path):
        print '... making', os.path.basename(path)
        save(path)
    return pickle.load(open(path))


def shared_dataset((data_x, data_y), borrow=True):
    """The two arrays as shared variables; the labels come back as integers."""
    shared_x = theano.shared(np.asarray(data_x, dtype=theano.config.floatX), borrow=borrow)
    shared_y = theano.shared(np.asarray(data_y, dtype=theano.config.floatX), borrow=borrow)
    return shared_x, T.cast(shared_y, 'int32')
