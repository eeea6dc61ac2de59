"""Whether a real vLLM serves behind the gateway as the tests' stand-in does."""
