"""A generator learns a normal distribution from a discriminator, in Lasagne."""
import numpy as np
import theano
import theano.tensor as T
import lasagne
from lasagne.layers import InputLayer, DenseLayer, get_output, get_all_params
from lasagne.nonlinearities import rectify, sigmoid, tanh

lasagne.random.set_rng(np.random.RandomState(3))
rng = np.random.RandomState(8)
noise, real = T.matrix('noise'), T.matrix('real')
g = DenseLayer(InputLayer((None, 2), noise), 24, nonlinearity=tanh)
g = DenseLayer(g, 1, nonlinearity=None)
d_in = InputLayer((None, 1))
d = DenseLayer(d_in, 32, nonlinearity=rectify)
d = DenseLayer(d, 32, nonlinearity=rectify)
d = DenseLayer(d, 1, nonlinearity=sigmoid)
fake = get_output(g)
d_real, d_fake = get_output(d, real), get_output(d, fake)
d_loss = -(T.log(d_real + 1e-6) + T.log(1 - d_fake + 1e-6)).mean()
g_loss = -T.log(d_fake + 1e-6).mean()
d_params = get_all_params(d, trainable=True)
g_params = get_all_params(g, trainable=True)
train_d = theano.function([real, noise], d_loss,
                          updates=lasagne.updates.adam(d_loss, d_params, 2e-3, beta1=.5))
train_g = theano.function([noise], g_loss,
                          updates=lasagne.updates.adam(g_loss, g_params, 1e-3, beta1=.5))
sample = theano.function([noise], fake)
draw = lambda n: rng.normal(size=(n, 2)).astype(theano.config.floatX)
for step in xrange(3000):
    train_d((2 + .5 * rng.randn(64, 1)).astype(theano.config.floatX), draw(64))
    train_g(draw(64))
made = sample(draw(2000))
print 'mean %.2f deviation %.2f' % (made.mean(), made.std())
print 'result', abs(made.mean() - 2)
