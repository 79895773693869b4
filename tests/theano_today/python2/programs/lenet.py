"""Two convolutions by theano.tensor.nnet.conv (the one before conv2d moved), max-pooling, tanh."""
import sys

import numpy
import theano
import theano.tensor as T
from theano.tensor.nnet import conv
from theano.tensor.signal import downsample

from shapes_data import make


class LeNetConvPoolLayer(object):
    def __init__(self, rng, input, filter_shape, image_shape, poolsize=(2, 2)):
        assert image_shape[1] == filter_shape[1]
        fan_in = numpy.prod(filter_shape[1:])
        fan_out = (filter_shape[0] * numpy.prod(filter_shape[2:]) / numpy.prod(poolsize))
        W_bound = numpy.sqrt(6. / (fan_in + fan_out))
        self.W = theano.shared(numpy.asarray(
            rng.uniform(low=-W_bound, high=W_bound, size=filter_shape),
            dtype=theano.config.floatX), borrow=True)
        self.b = theano.shared(numpy.zeros((filter_shape[0],), dtype=theano.config.floatX),
                               borrow=True)
        conv_out = conv.conv2d(input=input, filters=self.W, filter_shape=filter_shape,
                               image_shape=image_shape)
        pooled_out = downsample.max_pool_2d(input=conv_out, ds=poolsize, ignore_border=True)
        self.output = T.tanh(pooled_out + self.b.dimshuffle('x', 0, 'x', 'x'))
        self.params = [self.W, self.b]


def main(side=12, batch_size=25, nkerns=[6, 10]):
    rng = numpy.random.RandomState(23455)
    X, y = make(500, side=side)
    X = X.astype(theano.config.floatX)
    y = y.astype('int32')
    x, t = T.matrix('x'), T.ivector('t')
    layer0_input = x.reshape((batch_size, 1, side, side))
    layer0 = LeNetConvPoolLayer(rng, layer0_input, (nkerns[0], 1, 3, 3), (batch_size, 1, side, side))
    half = (side - 2) / 2
    layer1 = LeNetConvPoolLayer(rng, layer0.output, (nkerns[1], nkerns[0], 2, 2),
                                (batch_size, nkerns[0], half, half))
    quarter = (half - 1) / 2
    n_in = nkerns[1] * quarter * quarter
    W = theano.shared(numpy.zeros((n_in, 4), dtype=theano.config.floatX))
    b = theano.shared(numpy.zeros(4, dtype=theano.config.floatX))
    p = T.nnet.softmax(T.dot(layer1.output.flatten(2), W) + b)
    params = layer0.params + layer1.params + [W, b]
    cost = -T.mean(T.log(p)[T.arange(t.shape[0]), t])
    updates = [(q, q - numpy.asarray(.2, theano.config.floatX) * g)
               for q, g in zip(params, T.grad(cost, params))]
    train = theano.function([x, t], cost, updates=updates)
    wrong = theano.function([x, t], T.mean(T.neq(p.argmax(1), t)))
    batches = [slice(k * batch_size, (k + 1) * batch_size) for k in range(len(X) / batch_size)]
    cut = len(batches) * 4 / 5
    for epoch in xrange(40):
        costs = [train(X[s], y[s]) for s in batches[:cut]]
    print 'cost %.4f' % numpy.mean(costs), 'quarter', quarter
    print 'result %f' % numpy.mean([wrong(X[s], y[s]) for s in batches[cut:]])


main()
