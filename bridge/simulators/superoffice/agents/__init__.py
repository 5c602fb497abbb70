"""The agents: `POST /Agents/{agent}/{method}`, all on the records that REST shows (page "Agents WebAPI").

`calls` is the door: how a call is read and answered. Each other module has the methods of some agents, as functions by
the name of the method. What is in no table is not served and answers 404.
"""
