"""A small language model on the CPU: many LoRA adapters over one base, batched together, in numpy.

It reads the folders that the field's servers read (a Llama-shaped `config.json`, `model.safetensors`,
`tokenizer.json`, and PEFT adapter folders), so that the same files can be served by vLLM unchanged.

Read in this order: `request` (what goes in and comes out), `engine` (the way in), `scheduler` (who is computed when),
`forward` (the model), `adapters` (which weights are in memory, and that they are the registered ones).
"""
