"""Programs that use one client each. They run in the environment into which that client is installed, with
`tests/clients` on the path and not the whole project: a package there may be named `tests` as well.
"""
