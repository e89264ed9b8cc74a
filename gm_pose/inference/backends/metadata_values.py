"""What the values in an exported file's metadata must be."""

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ['check_values']


def check_values(values: Mapping[str, Any]) -> None:
    """Refuse values of another type, which would fail later and elsewhere.

    Raises:
        ValueError: one is wrong; how many there must be is `ModelDescription`'s to say.
    """
    for key, (is_right, expected) in _EXPECTED.items():
        if key in values and not is_right(values[key]):
            raise ValueError(
                f'{key} is {str(values[key])[:40]}; expected {expected}'.replace(
                    '\n', ' '
                )
            )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_whole(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_list(value: Any, is_entry: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(map(is_entry, value))


def _is_tuple(value: Any, length: int) -> bool:
    return _is_list(value, _is_whole) and len(value) == length


def _are_names(value: Any) -> bool:
    return _is_list(value, _is_text) and len(set(value)) == len(value)


def _are_colours(value: Any) -> bool:
    return _is_list(value, lambda c: _is_tuple(c, 3) and 0 <= min(c) <= max(c) <= 255)


def _is_size(value: Any) -> bool:
    return _is_tuple(value, 2) and min(value) > 0


_EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    'name': (_is_text, 'text'),
    'dataset': (_is_text, 'text'),
    'joint_names': (_are_names, 'names, each once'),
    'skeleton_links': (
        lambda v: _is_list(v, lambda link: _is_tuple(link, 2)),
        'pairs of joint indices',
    ),
    # no permutation in MMPose's own metainfo of DeepFashion2; the range is checked later
    'flip_indices': (lambda v: _is_list(v, _is_whole), 'joint indices'),
    'oks_sigmas': (lambda v: v is None or _is_list(v, _is_number), 'numbers or null'),
    'input_size': (_is_size, 'two whole numbers above 0'),
    'heatmap_size': (_is_size, 'two whole numbers above 0'),
    'joint_colours': (_are_colours, 'colours of three whole numbers, 0 to 255'),
    'link_colours': (_are_colours, 'colours of three whole numbers, 0 to 255'),
    'flip_test': (lambda v: isinstance(v, bool), 'true or false'),
}
