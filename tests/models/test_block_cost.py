"""What the block may cost: counted here, and as measured in the committed table."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

BENCHMARKS = Path(__file__).parents[2] / 'benchmarks'


@pytest.fixture(scope='module')
def benchmark():
    spec = importlib.util.spec_from_file_location(
        'block_cost', BENCHMARKS / 'block_cost.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    init_default_scope('mmpose')
    return module


@pytest.mark.parametrize('name', ['GaussianMixtureBlock', 'GaussianMixtureHead'])
def test_parameters_and_flops_stay_below_their_limits(benchmark, name):
    with torch.device('meta'):  # shapes only: nothing is computed
        baseline = benchmark.build_model(benchmark.BASELINE_CONFIG)
        model = benchmark.build_model(benchmark.MODELS[name]).eval()
        switch, image = benchmark.Switch(model), torch.randn(1, 3, 256, 192)
        flops = benchmark.compare_flops(switch, image)
    parameters = benchmark.count_parameters(switch.turn(True))
    assert 1 < parameters / benchmark.count_parameters(baseline) < 1.04
    assert 1 < flops < 1.02


def test_the_written_table_stays_below_its_limits():
    rows = {
        cells[0]: [float(re.match(r'[+-][\d.]+', cell)[0]) for cell in cells[1:]]
        for line in (BENCHMARKS / 'block_cost.md').read_text().splitlines()
        if len(cells := [cell.strip() for cell in line.strip('|').split('|')]) == 5
        and cells[1][0] in '+-'
        and cells[1][1] != '-'
    }
    limits = rows.pop('limit')
    assert set(rows) == {'GaussianMixtureBlock', 'GaussianMixtureHead'}
    for name, costs in rows.items():
        assert (np.array(costs) <= limits).all(), name


def test_a_switched_off_block_is_the_model_without_it(benchmark):
    class Model(torch.nn.Module):
        with_neck = True

        def __init__(self):
            super().__init__()
            self.neck = torch.nn.ReLU()

        def forward(self, x):
            return x if self.neck is None else self.neck(x)

    switch, x = benchmark.Switch(Model()), torch.tensor([-1.0])
    assert switch.turn(False)(x) == -1
    assert switch.turn(True)(x) == 0


def test_pairs_alternate_and_give_the_ratio(benchmark, monkeypatch):
    """A clock that gets slower by 1 % with each run: alternating pairs cancel that."""
    runs = []

    class Switch:
        def turn(self, on):
            return on

    def measure(run, on, device):
        runs.append(on)
        return (1.2 if on else 1.0) * 1.01 ** len(runs)

    monkeypatch.setattr(benchmark, 'measure_seconds', measure)
    ratio = benchmark.measure_pairs({'a': Switch()}, None, 40, 'cpu')['a']
    assert runs[:4] == [False, True, True, False]
    assert len(runs) == 2 * 41
    # Half of the ratios are 1.2 * 1.01, half 1.2 / 1.01: their median lies between.
    assert ratio.value == pytest.approx(1.2, rel=1e-4)


def test_interval_covers_the_true_ratio_and_shrinks(benchmark):
    generator = np.random.default_rng(0)
    widths = []
    for count in (20, 320):
        ratio = benchmark.summarize_ratios(list(generator.normal(1.03, 0.02, count)))
        assert ratio.low < 1.03 < ratio.high
        assert ratio.low < ratio.value < ratio.high
        widths.append(ratio.high - ratio.low)
    # Widths go with 1 / sqrt(count), 4 here, each known to about a third.
    assert 2 < widths[0] / widths[1] < 8


def test_ratios_are_written_as_percent(benchmark):
    assert str(benchmark.Ratio(1.0231)) == '+2.3 %'
    assert str(benchmark.Ratio(0.991, 0.98, 1.004)) == '-0.9 % (-2.0 to 0.4)'
