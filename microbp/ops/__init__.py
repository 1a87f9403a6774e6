"""Rows: what every operation computes, and the rules of its gradients, in NumPy alone."""
