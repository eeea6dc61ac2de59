"""The demo: the whole main job on this machine, every stage real, with a table of who earned what.

In: the shipped models, texts and a slice of a real request trace. Out: a table and, with `--json`, a file of figures,
each read from its own source. It starts the stages as a user would, as processes of the `tributary` program.
Invariants: no window or constant of the protocol is shortened; where days must pass, both chains' clocks move together
and the time that a real chain would have taken is printed. All that it starts ends with it, unless `--keep` is given.
"""
