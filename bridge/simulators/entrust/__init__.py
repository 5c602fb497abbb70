"""Simulator of Entrust Identity as a Service."""
