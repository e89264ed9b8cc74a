"""How large a sigma may be."""

import numpy as np
import pytest

from gm_pose.ops.sigma_bounds import require_sigmas_fit
from gm_pose.ops.sigma_tables import resolve_sigmas


def check(sigmas, heatmap_size) -> None:
    resolved = resolve_sigmas(sigmas, heatmap_size)
    require_sigmas_fit(resolved.cells, resolved.joint_names, heatmap_size)


def test_gaussian_at_the_bound_is_above_014_up_to_the_edges():
    """The shorter side is 48 cells, the bound 12: edges are 24 cells from the center."""
    require_sigmas_fit(np.array([12.0, 1.0]), None, (48, 64))
    assert np.exp(-(24**2) / (2 * 12.0**2)) == pytest.approx(0.1353, abs=1e-4)


@pytest.mark.parametrize(
    'sigmas', [20.0, [2.0] * 16 + [12.5], dict(oks='coco', mean=8)]
)
@pytest.mark.parametrize('heatmap_size', [(48, 64), (64, 48)])
def test_sigma_above_a_quarter_of_the_shorter_side_is_refused(sigmas, heatmap_size):
    with pytest.raises(
        ValueError, match='expected at most 12, a quarter of the shorter'
    ):
        check(sigmas, heatmap_size)


def test_refusal_names_joint_value_and_map():
    with pytest.raises(ValueError, match=r"of 'nose' is 20 cells; .* 48x64") as e:
        check(dict(default=2.0, nose=20), (48, 64))
    assert 'Fix: give cells, not input px' in str(e.value)
