"""An OpenAI-compatible model server that thinks at a set pace and fails on demand: no model, next to no work of its own.

    python -m benchmarks.paced_upstream --first-token-ms 50 --tokens-per-second 100 --model quill

prints `Serving http://127.0.0.1:PORT` once it listens. It answers chats, completions and embeddings, whole or as a
stream, loads and unloads adapters as vLLM does, and counts what it is asked. `POST /control` changes its pace and its
fault while it runs (`behaviour.Behaviour` lists both); `GET /control` says what it was asked and what it sent.
"""
