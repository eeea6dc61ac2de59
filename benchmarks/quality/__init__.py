"""How well attribution says whose data an answer drew on, held against models that were trained without some of it."""
