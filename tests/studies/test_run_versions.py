from studies.run_versions import describe_processor


def test_processor_is_described_as_far_as_the_system_tells(tmp_path):
    info = tmp_path / 'cpuinfo'
    info.write_text(
        'processor\t: 0\ncpu family\t: 6\nmodel\t\t: 106\nmodel name\t: A: B @ 2 GHz\n\n'
        'processor\t: 1\ncpu family\t: 6\n'
    )
    described = describe_processor('AVX512', info)
    assert described == 'AVX512, A: B @ 2 GHz, cpu family 6, model 106'
    assert describe_processor('AVX2', tmp_path / 'none') == 'AVX2, unknown'
