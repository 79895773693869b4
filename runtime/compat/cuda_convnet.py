"""Conv2DCCLayer and MaxPool2DCCLayer, computed by Theano's ordinary convolution and pooling.

The tutorial's table lists these names: in 2014 they wrapped Alex Krizhevsky's cuda-convnet
kernels. Signatures and limits are those of Lasagne 0.1's layers of the same names.
"""

from __future__ import annotations

from lasagne import init, nonlinearities
from lasagne.layers import Conv2DLayer, MaxPool2DLayer
from lasagne.utils import as_tuple

_ORDER = (
    "%s has no dimshuffle=False (batch size last) outside cuda-convnet: leave it at True and "
    "drop the Shuffle...Layers around it"
)


class Conv2DCCLayer(Conv2DLayer):
    """2D convolutional layer; the same numbers as `lasagne.layers.Conv2DLayer`.

    Parameters
    ----------
    incoming, num_filters, stride, pad, untie_biases, W, b, nonlinearity
        As for Conv2DLayer; input (batch, channels, rows, columns), `filter_size` and
        `stride` square.
    filter_size : int or pair of equal ints
    dimshuffle : bool
        Only True.
    flip_filters : bool
        True convolves, as Conv2DLayer does; False correlates. Lasagne's own default here
        was False: pass it to go on with weights learnt by cuda-convnet.
    partial_sum : ignored
        It tuned cuda-convnet's use of memory.

    Raises
    ------
    RuntimeError
        If filters or strides are not square.
    NotImplementedError
        If `dimshuffle` is False.
    """

    def __init__(
        self,
        incoming,
        num_filters,
        filter_size,
        stride=(1, 1),
        pad=0,
        untie_biases=False,
        W=None,
        b=init.Constant(0.0),  # noqa: B008  (Lasagne's own idiom)
        nonlinearity=nonlinearities.rectify,
        dimshuffle=True,
        flip_filters=True,
        partial_sum=1,
        **kwargs,
    ):
        for name, value in (("filter_size", filter_size), ("stride", stride)):
            rows, columns = as_tuple(value, 2)
            if rows != columns:
                raise RuntimeError(
                    f"Conv2DCCLayer needs the same {name} in both directions, got {value!r}; "
                    "use Conv2DLayer"
                )
        if not dimshuffle:
            raise NotImplementedError(_ORDER % "Conv2DCCLayer")
        self.flip_filters = flip_filters
        super().__init__(
            incoming,
            num_filters,
            filter_size,
            stride=stride,
            pad=pad,
            untie_biases=untie_biases,
            W=init.GlorotUniform() if W is None else W,
            b=b,
            nonlinearity=nonlinearity,
            **kwargs,
        )

    def get_output_for(self, input, **kwargs):
        if self.flip_filters:
            return super().get_output_for(input, **kwargs)
        convolution = vars(self)["convolution"]
        self.convolution = lambda x, W, **kw: convolution(x, W[:, :, ::-1, ::-1], **kw)
        try:
            return super().get_output_for(input, **kwargs)
        finally:
            self.convolution = convolution


class MaxPool2DCCLayer(MaxPool2DLayer):
    """2D max-pooling layer; the same numbers as `MaxPool2DLayer(ignore_border=False)`.

    Parameters
    ----------
    incoming, pool_size, stride
        As for MaxPool2DLayer; square, and ``stride <= pool_size``.
    ignore_border : bool
        Only False: cuda-convnet always pools the partial windows at the border.
    dimshuffle : bool
        Only True.

    Raises
    ------
    NotImplementedError
        For anything that cuda-convnet could not do either, and for ``dimshuffle=False``.
    """

    def __init__(
        self, incoming, pool_size, stride=None, ignore_border=False, dimshuffle=True, **kwargs
    ):
        window = as_tuple(pool_size, 2)
        step = window if stride is None else as_tuple(stride, 2)
        if window[0] != window[1] or step[0] != step[1] or step[0] > window[0]:
            raise NotImplementedError(
                "MaxPool2DCCLayer needs square pool_size and stride, stride <= pool_size, got "
                f"{pool_size!r} and {stride!r}; use MaxPool2DLayer"
            )
        if ignore_border or as_tuple(kwargs.pop("pad", 0), 2) != (0, 0):
            raise NotImplementedError(
                "MaxPool2DCCLayer has no ignore_border=True and no pad; use MaxPool2DLayer"
            )
        if not dimshuffle:
            raise NotImplementedError(_ORDER % "MaxPool2DCCLayer")
        super().__init__(incoming, pool_size, stride=stride, ignore_border=False, **kwargs)
