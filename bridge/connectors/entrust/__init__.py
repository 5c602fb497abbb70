"""Entrust Identity as a Service: users, their states and attributes, over its administration API."""
