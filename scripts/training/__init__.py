"""Training of the shipped model family; needs the `train` extra (torch, transformers, peft)."""
