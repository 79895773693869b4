"""An Op of one's own with C code and a gradient: cubes; a net with it as its nonlinearity."""
import numpy as np
import theano
import theano.tensor as T
from theano import gof
from theano.tests import unittest_tools as utt

class Cube(gof.Op):
    __props__ = ('offset',)

    def __init__(self, offset):
        self.offset = offset
        super(Cube, self).__init__()

    def make_node(self, x):
        x = T.as_tensor_variable(x)
        return gof.Apply(self, [x], [x.type()])

    def perform(self, node, (x,), (z,)):
        z[0] = np.asarray(x ** 3 + x.dtype.type(self.offset))

    def c_code(self, node, name, (x,), (z,), sub):
        fail = sub['fail']
        dtype = node.inputs[0].type.dtype_specs()[1]
        offset = self.offset
        return """
        Py_XDECREF(%(z)s);
        %(z)s = (PyArrayObject*) PyArray_NewLikeArray(%(x)s, NPY_CORDER, NULL, 0);
        if (!%(z)s) { %(fail)s; }
        {
        PyArrayObject* flat = PyArray_GETCONTIGUOUS(%(x)s);
        %(dtype)s* from = (%(dtype)s*) PyArray_DATA(flat);
        %(dtype)s* to = (%(dtype)s*) PyArray_DATA(%(z)s);
        for (npy_intp i = 0; i < PyArray_SIZE(flat); i++)
            to[i] = from[i] * from[i] * from[i] + %(offset)s;
        Py_DECREF(flat);
        }
        """ % locals()

    def c_code_cache_version(self):
        return (1, self.offset)

    def grad(self, (x,), (gz,)):
        return [gz * 3 * x ** 2]

    def infer_shape(self, node, shapes):
        return shapes


rng = np.random.RandomState(1)
x = T.dmatrix('x')
f = theano.function([x], Cube(7 / 2)(x))
value = rng.randn(3, 4)
print np.allclose(f(value.T.copy().T), value ** 3 + 3)
utt.verify_grad(Cube(1), [value], rng=rng)

W, V = theano.shared(rng.randn(1, 12) * .5), theano.shared(rng.randn(12, 1) * .1)
target = T.dmatrix()
cost = T.sqr(T.dot(Cube(0)(T.tanh(T.dot(x, W))), V) - target).mean()
step = theano.function([x, target], cost, updates=[(p, p - .1 * T.grad(cost, p)) for p in [W, V]])
a = np.linspace(-1, 1, 50)[:, None]
costs = [step(a, a ** 3 / 2 + a / 4) for i in xrange(1500)]
print 'first %.4f' % costs[0]
print 'result', costs[-1]
