"""A denoising autoencoder with tied weights; noise by RandomStreams."""
import sys

import numpy
import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

from shapes_data import make


class dA(object):
    def __init__(self, numpy_rng, theano_rng=None, input=None, n_visible=64, n_hidden=40):
        if not theano_rng:
            theano_rng = RandomStreams(numpy_rng.randint(2 ** 30))
        bound = 4 * numpy.sqrt(6. / (n_hidden + n_visible))
        self.W = theano.shared(numpy.asarray(
            numpy_rng.uniform(low=-bound, high=bound, size=(n_visible, n_hidden)),
            dtype=theano.config.floatX), name='W', borrow=True)
        self.b = theano.shared(numpy.zeros(n_hidden, dtype=theano.config.floatX), borrow=True)
        self.b_prime = theano.shared(numpy.zeros(n_visible, dtype=theano.config.floatX), borrow=True)
        self.W_prime = self.W.T
        self.theano_rng = theano_rng
        self.x = input
        self.params = [self.W, self.b, self.b_prime]

    def corrupted(self, level):
        return self.theano_rng.binomial(size=self.x.shape, n=1, p=1 - level,
                                        dtype=theano.config.floatX) * self.x

    def reconstructed(self, tilde_x):
        y = T.nnet.sigmoid(T.dot(tilde_x, self.W) + self.b)
        return T.nnet.sigmoid(T.dot(y, self.W_prime) + self.b_prime)

    def get_cost_updates(self, corruption_level, learning_rate):
        z = self.reconstructed(self.corrupted(corruption_level))
        L = -T.sum(self.x * T.log(z) + (1 - self.x) * T.log(1 - z), axis=1)
        cost = T.mean(L)
        return cost, [(param, param - learning_rate * gparam)
                      for param, gparam in zip(self.params, T.grad(cost, self.params))]


X, _ = make(400)
X = (X > .5).astype(theano.config.floatX)
train_set_x = theano.shared(X, borrow=True)
batch_size = 20
n_batches = train_set_x.get_value(borrow=True).shape[0] / batch_size
index, x = T.lscalar(), T.matrix('x')
da = dA(numpy.random.RandomState(123), input=x)
cost, updates = da.get_cost_updates(0.2, 0.1)
train = theano.function([index], cost, updates=updates,
                        givens={x: train_set_x[index * batch_size: (index + 1) * batch_size]})
first = None
for epoch in xrange(60):
    c = [train(i) for i in xrange(n_batches)]
    if first is None:
        first = numpy.mean(c)
clean = theano.function([x], da.reconstructed(x))(X)
print 'first %.2f last %.2f' % (first, numpy.mean(c))
print 'result %f' % numpy.mean((clean > .5) != (X > .5))
