"""Answers by other servers: any OpenAI-compatible one, several of them, and adapters loaded at run time where it is vLLM.

    admit (bounds of a call) ─► pool (a place on a node, fairly) ─► exchange (ask, judge, first token) ─► deltas
                                  ▲ health, breakers, pace             │ failed before the first token
                                  └────────────── another node ◄───────┘

A node's answer is outside bytes: its shape is judged before a byte goes on, and what it says of tokens is held against
what was sent (`usage`). Once a client has something of an answer, that answer is never begun again elsewhere.
"""
