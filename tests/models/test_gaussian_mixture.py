"""The mixture module and its read-out, without MMPose."""

import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gm_pose.models.gaussian_mixture import GaussianMixture
from gm_pose.models.mixture_readout import find_mixtures, read_mixtures
from gm_pose.models.mixture_settings import MixtureSettings, spread_sigmas
from gm_pose.ops.gaussian_smoothing import smooth_gaussian


def build_mixture(
    num_groups: int = 2,
    sigma_per_channel: bool = False,
    image_channels: int | None = None,
    **settings,
) -> GaussianMixture:
    """6 channels, 2 groups, 3 sigmas, weights far from uniform."""
    torch.manual_seed(0)
    settings = dict(init_sigmas=[0.3, 0.7, 1.5]) | settings
    count = 3 if settings['init_sigmas'] is None else len(settings['init_sigmas'])
    settings = dict(num_components=count, init_sigma_range=(0.5, 2.0)) | settings
    mixture = GaussianMixture(
        6, 4, MixtureSettings(**settings), num_groups, sigma_per_channel, image_channels
    )
    for parameter in mixture.parameters():
        if parameter is not mixture.raw_sigmas:
            torch.nn.init.normal_(parameter)
    return mixture


def make_maps() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(2, 6, 8, 6, generator=generator),
        torch.randn(2, 4, 8, 6, generator=generator),
    )


@pytest.mark.parametrize('per_channel', [False, True])
def test_mixture_equals_a_loop_over_groups_and_components(per_channel):
    mixture = build_mixture(sigma_per_channel=per_channel)
    x, context = make_maps()
    views = smooth_gaussian(x, mixture.sigmas)
    kernel, bias = (
        mixture.weights.logits.weight[:, :, 0, 0],
        mixture.weights.logits.bias,
    )
    wanted = torch.zeros_like(x)
    for i in range(8):
        for j in range(6):
            logits = context[:, :, i, j] @ kernel.T + bias
            for group in range(2):
                shares = logits[:, 3 * group : 3 * group + 3].softmax(-1)
                for c in range(3 * group, 3 * group + 3):
                    wanted[:, c, i, j] = (shares * views[:, c, :, i, j]).sum(-1)
    # Convex combinations of values below 5 in float32; logits of size ~10 cost ~1e-6.
    torch.testing.assert_close(mixture(x, context), wanted, rtol=0, atol=2e-5)


def test_image_map_shifts_the_weights_of_the_whole_image():
    mixture = build_mixture(image_channels=5)
    x, context = make_maps()
    image_map = torch.randn(2, 5, 3, 3, generator=torch.Generator().manual_seed(2))
    logits = mixture.weights.logits(context).unflatten(1, (2, 3))
    offsets = mixture.weights.image_logits.weight @ image_map.mean((2, 3)).T
    offsets = offsets.T.reshape(2, 2, 3, 1, 1)
    wanted = (logits + offsets).softmax(2)
    with read_mixtures(mixture) as mixtures:
        mixture(x, context, image_map)
    torch.testing.assert_close(mixtures[''].weights, wanted, rtol=0, atol=1e-5)


def test_a_missing_image_map_is_refused():
    with pytest.raises(ValueError, match=r'image_map is missing: .* image_channels=5'):
        build_mixture(image_channels=5)(*make_maps())


def test_uniform_mixing_is_the_average_and_has_no_weights_to_learn():
    mixture = build_mixture(mixing='uniform')
    x, context = make_maps()
    wanted = smooth_gaussian(x, mixture.sigmas).mean(2)
    assert torch.equal(mixture(x, context), wanted)
    assert [name for name, _ in mixture.named_parameters()] == ['raw_sigmas']


def test_one_component_is_one_smoothing_without_weights():
    mixture = build_mixture(init_sigmas=[0.7])
    x, context = make_maps()
    wanted = smooth_gaussian(x, mixture.sigmas)[:, :, 0]
    assert torch.equal(mixture(x, context), wanted)
    assert [name for name, _ in mixture.named_parameters()] == ['raw_sigmas']


def test_fixed_sigmas_are_no_parameters_but_are_saved():
    mixture = build_mixture(learn_sigmas=False)
    assert 'raw_sigmas' not in dict(mixture.named_parameters())
    assert 'raw_sigmas' in mixture.state_dict()
    torch.testing.assert_close(mixture.sigmas, torch.tensor([0.3, 0.7, 1.5]))


def test_init_sigmas_are_the_sigmas_at_the_start():
    wanted = [0.051, 0.3, 20.0]
    # softplus(raw) near 0.001 keeps float32's relative precision: 1e-6 of it and of sigma.
    sigmas = build_mixture(init_sigmas=wanted, num_groups=1).sigmas
    torch.testing.assert_close(sigmas, torch.tensor(wanted), rtol=2e-6, atol=0)


def test_sigmas_start_spread_over_the_range_by_default():
    sigmas = build_mixture(init_sigmas=None).sigmas
    torch.testing.assert_close(sigmas, torch.tensor([0.5, 1.0, 2.0]))


def test_spread_sigmas_is_geometric():
    assert spread_sigmas(0.5, 2.0, 3) == pytest.approx([0.5, 1.0, 2.0])
    assert spread_sigmas(0.5, 2.0, 1) == pytest.approx([1.0])


@pytest.mark.parametrize('direction', [1, -1])
def test_sigmas_stay_bounded_and_finite_over_1000_large_steps(direction):
    # direction 1 fits white noise (sigmas shrink), -1 runs away from it.
    mixture = build_mixture(min_sigma=0.05)
    optimizer = torch.optim.SGD(mixture.parameters(), lr=1e3, momentum=0.9)
    x, context = make_maps()
    for _ in range(1000):
        optimizer.zero_grad()
        (direction * (mixture(x, context) - x).square().mean()).backward()
        optimizer.step()
        # Bounded below also in between: softplus is positive, 0 only by underflow.
        assert mixture.sigmas.min() >= 0.05
    for parameter in mixture.parameters():
        assert parameter.isfinite().all()
        assert parameter.grad.isfinite().all()
    assert mixture(x, context).isfinite().all()


@pytest.mark.parametrize('per_channel', [False, True])
def test_gradients_of_maps_weights_and_raw_sigmas_pass_gradcheck(per_channel):
    mixture = build_mixture(sigma_per_channel=per_channel).double()
    x, context = (full[:1, :, :3, :2].double() for full in make_maps())
    names = [name for name, _ in mixture.named_parameters()]
    assert names == ['raw_sigmas', 'weights.logits.weight', 'weights.logits.bias']

    def mix(x, context, *parameters):
        state = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(mixture, state, (x, context))

    inputs = [x, context, *(parameter.detach() for parameter in mixture.parameters())]
    assert torch.autograd.gradcheck(mix, [leaf.requires_grad_() for leaf in inputs])


@pytest.mark.parametrize('raw', [-1e30, -200.0, 200.0, 1e30])
def test_extreme_raw_sigmas_give_finite_output_and_gradient(raw):
    mixture = build_mixture()
    torch.nn.init.constant_(mixture.raw_sigmas, raw)
    output = mixture(*make_maps())
    output.square().sum().backward()
    assert output.isfinite().all()
    assert mixture.raw_sigmas.grad.isfinite().all()


def test_checkpointing_gives_the_same_output_and_gradients():
    x, context = make_maps()
    results = []
    for with_cp in (False, True):
        mixture = build_mixture(with_cp=with_cp)
        leaf = x.clone().requires_grad_()
        output = mixture(leaf, context)
        output.square().sum().backward()
        gradients = [parameter.grad for parameter in mixture.parameters()]
        results.append([output.detach(), leaf.grad, *gradients])
    for plain, recomputed in zip(*results, strict=True):
        assert torch.equal(plain, recomputed)


def count_saved_bytes(mixture: GaussianMixture) -> int:
    sizes: dict[int, int] = {}

    def keep(tensor):
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        x = torch.randn(4, 6, 32, 24, requires_grad=True)
        output = mixture(x, torch.randn(4, 4, 32, 24))
    assert output.requires_grad
    return sum(sizes.values())


def test_checkpointing_keeps_less_for_the_backward_pass():
    # The views alone are 3 times the map; checkpointed, map, context and weights stay.
    kept = count_saved_bytes(build_mixture(with_cp=True))
    assert kept < 0.6 * count_saved_bytes(build_mixture())


def test_readout_gives_weights_sigmas_and_their_mean():
    mixture = build_mixture()
    x, context = make_maps()
    with read_mixtures(mixture) as mixtures:
        mixture(x, context)
    readout = mixtures['']
    assert readout.weights.shape == (2, 2, 3, 8, 6)
    assert not readout.weights.requires_grad
    torch.testing.assert_close(readout.weights.sum(2), torch.ones(2, 2, 8, 6))
    wanted = sum(
        readout.weights[:, :, m] * sigma for m, sigma in enumerate([0.3, 0.7, 1.5])
    )
    torch.testing.assert_close(readout.compute_mean_sigmas(), wanted)


@pytest.mark.parametrize('kwargs', [dict(mixing='uniform'), dict(init_sigmas=[0.7])])
def test_readout_of_constant_weights(kwargs):
    mixture = build_mixture(**kwargs, sigma_per_channel=True)
    with read_mixtures(mixture) as mixtures:
        mixture(*make_maps())
    count = mixture.num_components
    assert mixtures[''].weights.shape == (2, 2, count, 8, 6)
    assert torch.equal(mixtures[''].weights, torch.full((2, 2, count, 8, 6), 1 / count))
    mean = mixtures[''].compute_mean_sigmas()
    wanted = mixture.sigmas.mean().expand(2, 2, 8, 6)
    torch.testing.assert_close(mean, wanted)


def test_readout_leaves_nothing_behind_even_after_an_error():
    mixture = build_mixture()
    with pytest.raises(RuntimeError), read_mixtures(mixture):
        mixture(torch.zeros(1, 6, 8, 6), torch.zeros(1, 5, 8, 6))
    modules = [mixture, *mixture.modules()]
    assert not any(module._forward_hooks for module in modules)


class ListOperations(TorchDispatchMode):
    """Names of the operations inside the `with`."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def test_a_forward_pays_nothing_outside_of_the_readout():
    mixture, maps = build_mixture(), make_maps()

    def list_operations() -> list[str]:
        with ListOperations() as operations:
            mixture(*maps)
        return operations.names

    before, held = list_operations(), set(vars(mixture))
    with read_mixtures(mixture):
        during = list_operations()
    # Reading is more than the forward: once more softplus, and detached results.
    assert [name for name in during if 'detach' in name]
    assert len(during) > len(before)
    assert list_operations() == before
    assert set(vars(mixture)) == held
    tensors = [value for value in vars(mixture).values() if torch.is_tensor(value)]
    assert not tensors


def test_find_mixtures_names_them_as_the_model_does():
    model = torch.nn.ModuleDict(
        {'neck': torch.nn.ModuleDict({'mixture': build_mixture()})}
    )
    assert list(find_mixtures(model)) == ['neck.mixture']


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(mixing='max'), r"mixing must be one of .*'softmax'.* got 'max'"),
        (dict(num_groups=4), 'num_groups must divide the 6 channels .* got 4'),
        (dict(num_groups=0), 'num_groups must divide the 6 channels .* got 0'),
        (dict(min_sigma=0), 'min_sigma must be above 0 cells, got 0'),
        (dict(truncate=0), 'truncate must be above 0, got 0'),
        (dict(num_components=0), 'num_components must be at least 1, got 0'),
        (dict(num_components=2), 'init_sigmas has 3 sigmas for 2 components: give one'),
        (dict(init_sigmas=[0.01]), r'above min_sigma = 0.05 cells, got 0.01'),
        (dict(init_sigmas=[math.nan]), 'must be finite .* got nan'),
        (dict(init_sigmas=[math.inf]), 'must be finite .* got inf'),
    ],
)
def test_errors_name_value_and_remedy(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build_mixture(**kwargs)
