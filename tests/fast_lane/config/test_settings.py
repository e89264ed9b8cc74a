"""One place for the fast lane's settings, and the text about those that do not exist."""

import pytest
from mmengine.config import Config

from gm_pose.fast_lane.config.settings import read_settings, with_fast_lane


def test_settings_have_defaults_and_are_written_into_the_config():
    base = Config(dict(model=dict()))
    settings = with_fast_lane(base, images='crops')
    assert base.fast_lane == settings
    assert settings['images'] == 'crops'
    assert settings['precision'] == 'auto'
    assert read_settings(base.fast_lane).images == 'crops'


def test_settings_of_a_base_are_kept():
    base = Config(dict(fast_lane=dict(images='crops', workers=3)))
    assert with_fast_lane(base, workers=4) == dict(
        images='crops',
        precision='auto',
        compile=None,
        cuda_graphs=False,
        workers=4,
        cache_dir=None,
        shards=None,
        stream_cache_gb=50.0,
    )


@pytest.mark.parametrize(
    ('values', 'text'),
    [
        (dict(images='disk'), "fast_lane.images is 'disk'; expected one of 'auto', "),
        (dict(precision='half'), "fast_lane.precision is 'half'"),
        (dict(compile='fast'), "fast_lane.compile is 'fast'"),
        (dict(cuda_graphs=1), 'fast_lane.cuda_graphs is 1; expected True or False'),
        (dict(cuda_graphs=True, compile='default'), 'expected one of them'),
        (dict(workers=-1), 'fast_lane.workers is -1'),
        (dict(workers=True), 'fast_lane.workers is True'),
        (dict(cache_dir=5), 'fast_lane.cache_dir is 5; expected the path'),
        (
            dict(image='crops'),
            'fast_lane.image does not exist; the settings are images',
        ),
        (True, 'fast_lane is True; expected a dict'),
    ],
)
def test_what_does_not_exist_is_named(values, text):
    with pytest.raises(ValueError) as raised:  # noqa: PT011, the text is compared
        read_settings(values)
    assert text in str(raised.value)


def test_a_base_that_has_no_settings_but_a_value_is_named():
    with pytest.raises(ValueError, match='fast_lane is True; expected a dict'):
        with_fast_lane(Config(dict(fast_lane=True)), images='crops')


def test_a_config_file_sets_it_in_one_line(tmp_path):
    base = tmp_path / 'base.py'
    base.write_text('model = dict(type="A")\n')
    file = tmp_path / 'fast.py'
    file.write_text(
        "_base_ = ['base.py']\n"
        'from gm_pose import with_fast_lane\n'
        "with_fast_lane(_base_, images='crops')\n"
    )
    assert Config.fromfile(file).fast_lane.images == 'crops'
