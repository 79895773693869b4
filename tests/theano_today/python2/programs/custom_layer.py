"""A layer of one's own in Lasagne: maxout over groups of units; and a MergeLayer."""
import numpy as np
import theano, theano.tensor as T
import lasagne
from lasagne.layers import Layer, MergeLayer, InputLayer, DenseLayer, get_output, get_all_params
from shapes_data import make


class MaxoutLayer(Layer):
    def __init__(self, incoming, pieces=2, **kwargs):
        super(MaxoutLayer, self).__init__(incoming, **kwargs)
        if self.input_shape[1] % pieces <> 0:
            raise ValueError, "%d units in groups of %d" % (self.input_shape[1], pieces)
        self.pieces = pieces

    def get_output_shape_for(self, (batch, units)):
        return (batch, units / self.pieces)

    def get_output_for(self, input, *args, **kwargs):
        return input.reshape((input.shape[0], self.input_shape[1] / self.pieces, self.pieces)).max(2)


class ProductLayer(MergeLayer):
    def __init__(self, incomings, scale=lasagne.init.Constant(1), **kwargs):
        MergeLayer.__init__(self, incomings, **kwargs)
        self.scale = self.add_param(scale, self.input_shapes[0][1:], name='scale', regularizable=False)

    def get_output_shape_for(self, input_shapes):
        return input_shapes[0]

    def get_output_for(self, inputs, **kwargs):
        return reduce(T.mul, inputs) * self.scale


lasagne.random.set_rng(np.random.RandomState(1))
X, y = make(500)
X, y = X.astype(theano.config.floatX), y.astype('int32')
x, t = T.matrix(), T.ivector()
l_in = InputLayer((None, 64), x)
left = MaxoutLayer(DenseLayer(l_in, 60, nonlinearity=None), 3)
right = DenseLayer(l_in, 20, nonlinearity=lasagne.nonlinearities.sigmoid)
l = DenseLayer(ProductLayer([left, right]), 4, nonlinearity=lasagne.nonlinearities.softmax)
cost = lasagne.objectives.categorical_crossentropy(get_output(l), t).mean()
cost = cost + 1e-4 * lasagne.regularization.regularize_network_params(l, lasagne.regularization.l2)
step = theano.function([x, t], cost, updates=lasagne.updates.adam(cost, get_all_params(l, trainable=True), .01))
for epoch in range(30):
    [step(X[i:i + 50], y[i:i + 50]) for i in range(0, 400, 50)]
try:
    MaxoutLayer(DenseLayer(l_in, 7), 2)
except ValueError, e:
    print 'refused:', e.message
print left.output_shape
print 'result', np.mean(theano.function([x], get_output(l).argmax(1))(X[400:]) != y[400:])
