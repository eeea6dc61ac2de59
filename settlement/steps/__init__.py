"""One file for each move of the state machine.

A step reads where the world stands, brings about what is missing, records the move and says whether it made one;
it can be repeated, or killed anywhere, because it looks before it acts.
"""
