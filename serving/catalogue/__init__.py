"""Which models this gateway serves: names, folders, and the registered assets that they are.

A name is not an identity. What counts is the content of the folder: its contentHash must be registered on chain, and
the engine compares the bytes that it loads with it. A folder that changed is refused, whatever its name.
"""
