"""Convolution, bias, rectify and 2x2 max-pool as one operation on the CPU, with its gradients."""
