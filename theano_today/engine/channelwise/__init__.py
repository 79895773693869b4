"""Elementwise formulas of images, and sums over all but their channels, in one pass over memory.

Batch normalisation, however it is written, is sums over (0, 2, 3) of elementwise functions of
images and of numbers for each channel; so are its gradients. Theano writes each function's values
to memory, sums them up, and computes others from the same images again. Here

- a sum computes what it sums up, and writes nothing but the sums,
- sums of the same images are taken in one pass,
- a value that several functions read, such as x - mean, is computed again by each, rather than
  written and read.

The values are those of the single functions to the last bit, summed up in float64.

- composites.py: what Elemwise nodes and Composites compute, as scalars
- program.py: such functions as a program for kernels/channels.hpp
- op.py: the Op, and its calls of the kernel
- rewrite.py: which nodes of a graph become such Ops
"""
