"""A number and its noun, as commands print them."""

__all__ = ['count_words']

_PLURALS = {'person': 'people'}


def count_words(count: int, noun: str) -> str:
    """1, 'image' -> '1 image'; 1200, 'person' -> '1,200 people'."""
    return f'{count:,} {noun if count == 1 else _PLURALS.get(noun, f"{noun}s")}'
