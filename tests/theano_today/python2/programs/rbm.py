"""A restricted Boltzmann machine by persistent contrastive divergence, Gibbs steps in scan."""
import numpy
import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

from shapes_data import make


class RBM(object):
    def __init__(self, n_visible, n_hidden, rng):
        floatX = theano.config.floatX
        self.W = theano.shared(numpy.asarray(rng.normal(0, .05, (n_visible, n_hidden)), floatX))
        self.hbias = theano.shared(numpy.zeros(n_hidden, floatX))
        self.vbias = theano.shared(numpy.zeros(n_visible, floatX))
        self.theano_rng = RandomStreams(rng.randint(2 ** 30))
        self.params = [self.W, self.hbias, self.vbias]

    def free_energy(self, v):
        return -T.dot(v, self.vbias) - T.sum(T.log(1 + T.exp(T.dot(v, self.W) + self.hbias)), axis=1)

    def up(self, v):
        mean = T.nnet.sigmoid(T.dot(v, self.W) + self.hbias)
        return mean, self.theano_rng.binomial(size=mean.shape, n=1, p=mean, dtype=theano.config.floatX)

    def down(self, h):
        mean = T.nnet.sigmoid(T.dot(h, self.W.T) + self.vbias)
        return mean, self.theano_rng.binomial(size=mean.shape, n=1, p=mean, dtype=theano.config.floatX)

    def gibbs_hvh(self, h0):
        v_mean, v = self.down(h0)
        h_mean, h = self.up(v)
        return [v_mean, v, h_mean, h]

    def get_updates(self, x, persistent, lr, k):
        [means, vs, _, hs], updates = theano.scan(
            self.gibbs_hvh, outputs_info=[None, None, None, persistent], n_steps=k)
        chain_end = vs[-1]
        cost = T.mean(self.free_energy(x)) - T.mean(self.free_energy(chain_end))
        for param, g in zip(self.params, T.grad(cost, self.params, consider_constant=[chain_end])):
            updates[param] = param - g * T.cast(lr, dtype=theano.config.floatX)
        updates[persistent] = hs[-1]
        return updates


rng = numpy.random.RandomState(5)
X = (make(400)[0] > .5).astype(theano.config.floatX)
data = theano.shared(X)
size, hidden = 20, 60
rbm = RBM(64, hidden, rng)
chain = theano.shared(numpy.zeros((size, hidden), theano.config.floatX), borrow=True)
x, index = T.matrix(), T.lscalar()
train = theano.function([index], [], updates=rbm.get_updates(x, chain, .1, 5),
                        givens={x: data[index * size:(index + 1) * size]})
mean_h = rbm.up(x)[0]
reconstruct = theano.function([x], T.nnet.sigmoid(T.dot(mean_h, rbm.W.T) + rbm.vbias))
energy = theano.function([x], T.mean(rbm.free_energy(x)))
for epoch in range(60):
    for i in range(len(X) / size):
        train(i)
noise = (rng.uniform(size=X.shape) < X.mean()).astype(X.dtype)
print 'result %f' % numpy.mean((reconstruct(X) > .5) != (X > .5))
print 'energies', energy(X) < energy(noise)
