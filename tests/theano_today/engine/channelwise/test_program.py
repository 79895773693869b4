"""Which instructions functions of images and channels become."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import theano.scalar as ts

from theano_today.engine.channelwise import program as programs


def steps_of(*outputs, images=2, sums=()):
    """Return the names of a program's steps, of inputs named a to e, of which some are images."""
    inputs = [ts.float32(name) for name in "abcde"]
    composite = ts.Composite(inputs, [f(*inputs) for f in outputs])
    program = programs.program_of(composite, [k < images for k in range(5)], sums)
    names = {number: name for name, number in programs.SEVERAL.items()}
    return [names.get(one.what, "other") for one in program.instructions], program.places


def test_steps_that_do_several():
    half = ts.constant(0.5, dtype="float32")

    def rectified(z):
        return half * (z + abs(z))

    def gradient(g, z):
        return half * g + half * g * ts.sgn(z)

    def z(a, b, c, d, e):
        return (a - c) * d + e

    for formula, wanted in {
        z: ["normalize"],
        (lambda *i: i[1] + z(*i)): ["normalize_and_add"],
        (lambda *i: rectified(z(*i))): ["normalize_rectify"],
        (lambda *i: rectified(z(*i) + i[1])): ["normalize_and_add", "rectify"],
        (lambda *i: gradient(i[1], z(*i))): ["normalize_gradient"],
        (lambda a, b, c, d, e: a * c + d + b + e): ["multiply_and_add_thrice"],
        (lambda a, b, c, d, e: a * c + d + b): ["multiply_and_add_twice"],
        (lambda a, b, c, d, e: (a - c) * d / e): ["subtract_multiply_divide"],
        (lambda a, b, c, d, e: d / ((a - c) * e)): ["subtract_multiply", "other"],
    }.items():  # fmt: skip
        assert steps_of(formula)[0] == wanted
    # What is needed besides is not computed twice.
    assert steps_of(z, lambda *i: rectified(z(*i)))[0] == ["normalize", "rectify"]
    assert steps_of(z, lambda *i: z(*i) + i[1])[0] == ["normalize", "other"]
    assert steps_of(lambda *i: z(*i) + z(*i))[0] == ["normalize", "other"]
    # What is summed up as it is needs no step.
    names, places = steps_of(lambda *i: ts.identity(i[1]), z, sums=(True, False))
    assert names == ["normalize"]
    assert places[0] == 1
