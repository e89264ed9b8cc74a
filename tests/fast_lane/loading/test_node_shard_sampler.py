"""Every person once an epoch over all processes, from the machine that has the image."""

import numpy as np
import pytest
from fast_datasets import build_fast, make_config
from mmpose.registry import DATA_SAMPLERS

from gm_pose.fast_lane.images import store_plan, streamed_images
from gm_pose.fast_lane.images.node_shares import NodeShare, list_shards
from gm_pose.fast_lane.images.store_builder import build_store
from gm_pose.fast_lane.images.store_plan import order_people, plan_store
from gm_pose.fast_lane.loading import node_shard_sampler
from gm_pose.runs.launch import nodes
from gm_pose.runs.launch.nodes import NodePlace, find_node
from gm_pose.runs.user_errors import UserError


@pytest.fixture
def dataset(people_folder, tmp_path):
    """22 people to train on."""
    return build_fast(make_config(people_folder, 'train'), tmp_path)


@pytest.fixture
def build(dataset, monkeypatch):
    """build(NodePlace(...), **arguments) -> the sampler of that process."""

    def make(place, kind='NodeShardSampler', **arguments):
        monkeypatch.setattr(node_shard_sampler, 'find_node', lambda: place)
        config = dict(type=kind, dataset=dataset, seed=5, **arguments)
        return DATA_SAMPLERS.build(config)

    return make


def list_places(num_nodes, local_size):
    return [
        NodePlace(node, num_nodes, local, local_size)
        for node in range(num_nodes)
        for local in range(local_size)
    ]


@pytest.mark.parametrize(('num_nodes', 'local_size'), [(1, 1), (2, 1), (2, 2), (3, 2)])
@pytest.mark.parametrize('shuffle', [True, False])
def test_everybody_comes_once_and_padding_is_default_samplers(
    build, dataset, num_nodes, local_size, shuffle
):
    places = list_places(num_nodes, local_size)
    for epoch in (0, 1):
        drawn = []
        for place in places:
            sampler = build(place, shuffle=shuffle)
            sampler.set_epoch(epoch)
            drawn.append(list(sampler))
            assert len(sampler) == len(drawn[-1]) == -(-len(dataset) // len(places))
        everybody = np.concatenate(drawn)
        assert set(everybody) == set(range(len(dataset)))
        # DefaultSampler rounds up to a multiple of the processes, too
        assert len(everybody) - len(dataset) == -len(dataset) % len(places)


@pytest.mark.parametrize(('num_nodes', 'local_size'), [(2, 2), (3, 1), (4, 3)])
def test_nobody_comes_twice_in_evaluation(build, dataset, num_nodes, local_size):
    drawn = []
    for place in list_places(num_nodes, local_size):
        sampler = build(place, shuffle=False, round_up=False)
        drawn += list(sampler)
        assert len(sampler) == len(list(sampler))
    assert sorted(drawn) == list(range(len(dataset)))


def test_a_machine_without_people_is_refused_in_training(build):
    """Its processes would have no batch while the others wait for theirs."""
    with pytest.raises(UserError, match='22 people are fewer than the 23 machines'):
        build(NodePlace(0, 23))
    assert list(build(NodePlace(0, 23), round_up=False)) == []


def test_order_follows_from_seed_and_epoch(build):
    first, second = build(NodePlace(1, 2)), build(NodePlace(1, 2))
    assert list(first) == list(second)
    second.set_epoch(1)
    assert list(first) != list(second)
    assert sorted(first) == sorted(second)
    second.set_epoch(0)
    assert list(first) == list(second)


def test_processes_of_a_machine_draw_from_one_order(build):
    own = [list(build(NodePlace(0, 2, local, 2))) for local in (0, 1)]
    share = build(NodePlace(0, 2)).rows
    assert set(own[0]) | set(own[1]) == set(share)
    assert len(set(own[0]) & set(own[1])) <= 1  # one is padding: 11 people, 2 processes


def test_a_resumed_epoch_goes_on_where_it_stopped(build):
    def make():
        inner = dict(type='NodeShardSampler')
        return build(NodePlace(1, 2), 'SeededSampler', sampler=inner, mix=False)

    whole, resumed = make(), make()
    for sampler in (whole, resumed):
        sampler.set_epoch(3)
    expected = [(int(index), index.seed) for index in whole]
    resumed.skip_next(4)
    assert [(int(index), index.seed) for index in resumed] == expected[4:]
    assert whole.describe() == 'NodeShardSampler of 2 machines with seed 5'


def test_shards_of_a_stream_come_a_window_at_a_time(build, dataset, monkeypatch):
    shards = dataset.people.image_rows // 2
    monkeypatch.setattr(dataset, 'find_stream_shards', lambda: shards)
    monkeypatch.setattr(node_shard_sampler, 'WINDOW_SHARDS', 2)
    sampler = build(NodePlace(0, 1))
    orders = []
    for epoch in (0, 1):
        sampler.set_epoch(epoch)
        drawn = list(sampler)
        assert sorted(drawn) == list(range(len(dataset)))
        seen = list(dict.fromkeys(shards[drawn].tolist()))
        last = {shard: max(np.flatnonzero(shards[drawn] == shard)) for shard in seen}
        for before, after in zip(seen[:-2], seen[2:], strict=True):
            first = int(np.flatnonzero(shards[drawn] == after)[0])
            assert (
                last[before] < first
                or seen.index(before) // 2 == seen.index(after) // 2
            )
        orders.append(seen)
    assert orders[0] != orders[1]
    assert orders[0] != sorted(orders[0])


@pytest.mark.parametrize('kind', ['images', 'crops'])
@pytest.mark.parametrize('num_nodes', [1, 2, 3, 5])
def test_a_share_has_all_that_its_machine_draws(
    build, dataset, tmp_path, monkeypatch, kind, num_nodes
):
    monkeypatch.setattr(store_plan, 'SHARD_BYTES', 100_000)
    people, recipe = dataset.people, dataset.recipe
    plan = plan_store(people, kind, recipe)
    assert plan.num_shards > 3
    held = []
    for node in range(num_nodes):
        shards = list_shards(plan, people, NodeShare(node, num_nodes))
        entries = np.concatenate([np.arange(*plan.starts[n : n + 2]) for n in shards])
        rows = np.array(build(NodePlace(node, num_nodes), round_up=False).rows)
        needed = rows if kind == 'crops' else people.image_rows[rows]
        assert set(needed) <= set(plan.rows[entries])
        held += list(shards)
    assert set(held) == set(range(plan.num_shards))
    assert len(held) <= plan.num_shards + num_nodes - 1
    assert list_shards(plan, people, None) == range(plan.num_shards)


def test_a_store_of_another_share_is_told_and_files_are_read(
    dataset, build, people_folder, tmp_path, monkeypatch
):
    from gm_pose.fast_lane.images import image_store
    from gm_pose.fast_lane.loading import fast_topdown_dataset

    monkeypatch.setattr(store_plan, 'SHARD_BYTES', 100_000)
    lines = []
    for module in (fast_topdown_dataset, image_store):
        monkeypatch.setattr(module, 'print_log', lambda text, *_: lines.append(text))
    people, recipe = dataset.people, dataset.recipe
    build_store(people, 'images', recipe, tmp_path, share=NodeShare(0, 2))
    partial = fast_topdown_dataset.FastTopdownDataset(
        make_config(people_folder, 'train'), 'images', str(tmp_path), shards='node'
    )
    order = order_people(people)
    partial.check_stored(order[:11], NodeShare(0, 2))
    for row in order[:11]:
        pixels, _ = partial._source.read(int(people.image_rows[row]), int(row))
        expected, _ = dataset._source.read(int(people.image_rows[row]), int(row))
        np.testing.assert_array_equal(pixels, expected)
    assert lines == []  # its own share is complete

    partial.check_stored(order[11:], NodeShare(1, 2))
    (line,) = lines
    assert 'of 11 people of this machine are not in its store' in line
    assert line.endswith('gm_pose build-store CONFIG --node 1 --nodes 2')
    last = int(order[-1])
    pixels, _ = partial._source.read(int(people.image_rows[last]), last)
    expected, _ = dataset._source.read(int(people.image_rows[last]), last)
    np.testing.assert_array_equal(pixels, expected)
    assert 'is not in the store; the file is read' in lines[-1]


@pytest.mark.parametrize(('node', 'num_nodes'), [(2, 2), (-1, 2), (0, 0)])
def test_shares_that_do_not_exist_are_refused(node, num_nodes):
    with pytest.raises(ValueError, match=f'node is {node} of {num_nodes}; expected'):
        NodeShare(node, num_nodes)


def test_another_dataset_is_refused(monkeypatch):
    with pytest.raises(TypeError, match='dataset is list; expected FastTopdownDataset'):
        node_shard_sampler.NodeShardSampler([1, 2])


@pytest.mark.parametrize(
    ('labels', 'rank', 'place'),
    [
        ([0, 0, 1, 1], 3, NodePlace(1, 2, 1, 2)),
        ([1, 0], 0, NodePlace(1, 2, 0, 1)),
        (['b', 'a', 'b', 'a'], 2, NodePlace(0, 2, 1, 2)),
        (['b', 'a', 'b', 'a'], 1, NodePlace(1, 2, 0, 2)),
    ],
)
def test_machines_are_numbered_as_the_launcher_does(monkeypatch, labels, rank, place):
    monkeypatch.setattr(nodes, 'get_dist_info', lambda: (rank, len(labels)))
    monkeypatch.setattr(nodes, 'all_gather_object', lambda own: labels)
    assert find_node() == place


@pytest.mark.parametrize(
    ('labels', 'text'),
    [
        ([0, 2], r'machines of this job are numbered \[0, 2\]'),
        ([0, 0, 1], r'machines of this job have \[2, 1\] processes'),
    ],
)
def test_unequal_machines_are_refused(monkeypatch, labels, text):
    monkeypatch.setattr(nodes, 'get_dist_info', lambda: (0, len(labels)))
    monkeypatch.setattr(nodes, 'all_gather_object', lambda own: labels)
    with pytest.raises(UserError, match=text):
        find_node()


@pytest.mark.parametrize(
    ('environment', 'label'),
    [
        (dict(GROUP_RANK='1', SLURM_NODEID='0', RANK='9', LOCAL_WORLD_SIZE='2'), 1),
        (dict(SLURM_NODEID='3'), 3),
        (dict(RANK='9', LOCAL_WORLD_SIZE='4'), 2),
        (dict(OMPI_COMM_WORLD_RANK='5', OMPI_COMM_WORLD_LOCAL_SIZE='2'), 2),
        (dict(RANK='1', LOCAL_WORLD_SIZE='0'), 'this'),
        (dict(), 'this'),
    ],
)
def test_a_machine_is_known_from_the_launchers_variables(
    monkeypatch, environment, label
):
    for name in ('GROUP_RANK', 'SLURM_NODEID', *np.ravel(nodes._LOCAL).tolist()):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(nodes.socket, 'gethostname', lambda: 'this')
    assert nodes._read_label() == label


def test_the_window_is_the_one_that_the_cache_makes_room_for():
    assert node_shard_sampler.WINDOW_SHARDS == streamed_images.WINDOW_SHARDS
