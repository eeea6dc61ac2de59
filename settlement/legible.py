"""Sentences that strangers wrote, as they are kept and shown."""


def legible(sentence: str, most: int) -> str:
    """Its beginning, without what no column takes and no reader wants."""
    return "".join(character if character.isprintable() else "\ufffd" for character in sentence[:most])
