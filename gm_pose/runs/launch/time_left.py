"""How long something takes, in the words of progress lines."""

__all__ = ['format_time']


def format_time(seconds: float) -> str:
    """40 s, 12 min, 3.5 h.

    Example:
        >>> format_time(40), format_time(700), format_time(12600)
        ('40 s', '12 min', '3.5 h')
    """
    if seconds < 100:
        return f'{max(1, round(seconds))} s'
    if seconds < 6000:
        return f'{round(seconds / 60)} min'
    return f'{seconds / 3600:.1f} h'
