"""From a request to a receipted answer.

    parse ─► admit (engine: tokens, most that it can cost) ─► open (journal: intent) ─► answer (engine: deltas)
          ─► render (bytes, hashed as they are produced) ─► close (journal: signed receipt) ─► deliver

The engine is behind `engine.AnswerEngine`: the embedded one, or any other that yields OpenAI-shaped deltas.

Invariants: no byte leaves before the intent is durable; no receipt leaves before it is durable; what is charged is what
was produced and written out, never more than the exposure that was held; a failed answer costs nothing.
"""
