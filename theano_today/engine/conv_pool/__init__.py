"""Convolution, bias, rectify and 2x2 max-pool, or no pool, as one operation, with gradients."""
