"""Softmax, and the cross-entropy Ops that Theano's optimizer makes of its logarithm."""

from __future__ import annotations

import torch
from theano.tensor.nnet import nnet

from theano_today.torch_link.dispatch.basic import implements
from theano_today.torch_link.dispatch.checks import in_range


@implements(nnet.Softmax)
def softmax(op, node, target):
    return lambda x: torch.softmax(x, 1)


@implements(nnet.LogSoftmax)
def log_softmax(op, node, target):
    return lambda x: torch.log_softmax(x, 1)


@implements(nnet.SoftmaxWithBias)
def softmax_with_bias(op, node, target):
    return lambda x, b: torch.softmax(x + b, 1)


@implements(nnet.SoftmaxGrad)
def softmax_gradient(op, node, target):
    def function(gradient, softmax):
        return (gradient - (gradient * softmax).sum(1, keepdim=True)) * softmax

    return function


def _labels(y, scores):
    """(n,) class numbers -> (n, 1), of int64, for gather and scatter."""
    if y.shape[0] != scores.shape[0]:
        raise ValueError(
            f"y_idx must have same number of rows as x: got {y.shape[0]} labels for "
            f"{scores.shape[0]} rows"
        )
    return in_range(y.long(), scores.shape[1], ValueError, "y_i value out of bounds")[:, None]


@implements(nnet.CrossentropySoftmaxArgmax1HotWithBias)
def cross_entropy(op, node, target):
    def function(x, b, y):
        z = x + b
        loss = -torch.log_softmax(z, 1).gather(1, _labels(y, z))[:, 0]
        return loss, torch.softmax(z, 1), z.argmax(1).to(y.dtype)

    return function


@implements(nnet.CrossentropySoftmax1HotWithBiasDx)
def cross_entropy_gradient(op, node, target):
    def function(gradient, softmax, y):
        if gradient.ndim == 1:
            gradient = gradient[:, None]  # (n,) -> (n, 1)
        index = _labels(y, softmax)
        minus_one = softmax.new_full(index.shape, -1.0)
        return softmax.scatter_add(1, index, minus_one) * gradient

    return function


@implements(nnet.CrossentropyCategorical1Hot)
def categorical(op, node, target):
    return lambda p, y: -torch.log(p.gather(1, _labels(y, p))[:, 0])


@implements(nnet.CrossentropyCategorical1HotGrad)
def categorical_gradient(op, node, target):
    def function(gradient, p, y):
        index = _labels(y, p)
        found = -gradient[:, None] / p.gather(1, index)
        return torch.zeros_like(p).scatter(1, index, found)

    return function
