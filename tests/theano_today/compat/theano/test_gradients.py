"""Every elementwise function of theano.tensor, and its gradient, against finite differences."""

import numpy as np

import theano_today  # noqa: F401

# Not of one or two floats, or without a slope.
OTHERS = """
    int_div mod conj complex complex_from_polar real imag second fill
"""


def elementwise():
    """Return the names of theano.tensor's elementwise functions of floats, by number of inputs."""
    import theano.tensor as T

    found = {}
    for name, function in sorted(vars(T).items()):
        if not isinstance(function, T.Elemwise) or name in OTHERS.split() or "inplace" in name:
            continue
        if function.scalar_op.nin in (1, 2):
            found[name] = function.scalar_op.nin
        elif function.scalar_op.nin == -1:  # add, mul
            found[name] = 2
    return found


# Where a function and a small step around it are defined and smooth; 0.3 and 0.7 elsewhere.
PLACES = {"arccosh": (1.3,), "erfcinv": (0.3,), "kn": (2, 0.7), "jv": (2, 0.7), "iv": (2, 0.7)}
FIRST_IS_ORDER = ("jv", "iv")  # no gradient for the order


def test_elementwise_functions_and_their_gradients():
    import theano
    import theano.tensor as T

    names = elementwise()
    assert len(names) > 50, names
    x, y = T.dvector("x"), T.dvector("y")
    step = 1e-6
    without = set()
    for name, nin in names.items():
        function = getattr(T, name)
        inputs = [x, y][:nin]
        try:
            out = function(*inputs)
        except TypeError:  # of integers
            continue
        place = PLACES.get(name, (0.3, 0.7))[:nin]
        wrt = inputs[1:] if name in FIRST_IS_ORDER else inputs
        if out.dtype != "float64":
            continue
        try:
            gradients = theano.grad(out.sum(), wrt, disconnected_inputs="ignore")
        except (theano.gof.utils.MethodNotDefined, NotImplementedError):
            without.add(name)
            gradients = []
            wrt = []
        run = theano.function(inputs, [out, *gradients], mode=theano.Mode("py", None))
        results = run(*([p] for p in place))
        for variable, gradient in zip(wrt, results[1:], strict=True):
            moved = []
            for sign in (1, -1):
                at = [
                    [p + sign * step * (one is variable)]
                    for p, one in zip(place, inputs, strict=True)
                ]
                moved.append(run(*at)[0][0])
            slope = (moved[0] - moved[1]) / (2 * step)
            np.testing.assert_allclose(gradient[0], slope, rtol=1e-5, atol=1e-8, err_msg=name)
    # Theano has none of these.
    assert without <= {"chi2sf", "gammainc", "gammaincc", "gammal", "gammau", "tri_gamma"}
