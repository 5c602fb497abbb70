"""The agents: `POST /Agents/{agent}/{method}`, all on the records that REST shows (page "Agents WebAPI").

`calls` reads and answers a call. Each other module has the methods of some agents, as functions by the name of the
method. A method that is in no table answers 404.
"""
