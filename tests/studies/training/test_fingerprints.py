from gm_pose.ops import heatmap_decoding, target_drawing
from studies.training.fingerprints import (
    describe_processor,
    equals_fingerprint,
    take_fingerprints,
)


def test_fingerprints_do_not_depend_on_the_call():
    first, second = take_fingerprints(), take_fingerprints()
    assert first == second
    assert not equals_fingerprint(first['encoding'], first['decoding'])


def test_fingerprint_notices_a_moved_target(monkeypatch):
    before = take_fingerprints()
    draw_exact = target_drawing.draw_exact

    def draw_moved(centers_cells, *args, **kwargs):
        return draw_exact(centers_cells + 0.01, *args, **kwargs)

    monkeypatch.setattr(target_drawing, 'draw_exact', draw_moved)
    after = take_fingerprints()
    assert not equals_fingerprint(before['encoding'], after['encoding'])


def test_fingerprint_notices_another_refinement(monkeypatch):
    before = take_fingerprints()
    monkeypatch.setattr(
        heatmap_decoding, 'refine_matched', lambda w, x, y, *rest: (x * 0, y * 0)
    )
    after = take_fingerprints()
    assert equals_fingerprint(before['encoding'], after['encoding'])
    assert not equals_fingerprint(before['decoding'], after['decoding'])


def test_processor_is_described_as_far_as_the_system_tells(tmp_path):
    info = tmp_path / 'cpuinfo'
    info.write_text(
        'processor\t: 0\ncpu family\t: 6\nmodel\t\t: 106\nmodel name\t: A: B @ 2 GHz\n\n'
        'processor\t: 1\ncpu family\t: 6\n'
    )
    described = describe_processor('AVX512', info)
    assert described == 'AVX512, A: B @ 2 GHz, cpu family 6, model 106'
    assert describe_processor('AVX2', tmp_path / 'none') == 'AVX2, unknown'
