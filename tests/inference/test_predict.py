"""`gm_pose predict` from a source to files: resumable, whole, the exit status right."""

import csv
import fcntl
import io
import json
import os
import signal
import sys

import cv2
import numpy as np
import pytest

from gm_pose.cli import predict
from gm_pose.inference import PoseEstimator
from gm_pose.inference.boxes import open_boxes
from gm_pose.inference.predict_run import OutputSettings, predict_into
from gm_pose.inference.progress import Progress
from gm_pose.inference.sources import open_source
from gm_pose.runs.user_errors import UserError


@pytest.fixture
def run(fake, tmp_path):
    """run(source, saved=..., ...) -> outcome, on the fake backend, into tmp_path/out."""

    def predict_fake(source, saved=('json', 'csv'), boxes='whole', **options):
        output = OutputSettings(tmp_path / 'out', saved, **options)
        return predict_into(fake, open_source(source), open_boxes(boxes), output)

    return predict_fake


def read_rows(path):
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def test_results_of_a_folder(run, write_images, tmp_path):
    outcome = run(write_images('a.png', 'b.png'), ('json', 'csv', 'parquet', 'images'))
    assert (outcome.frames, outcome.people, outcome.failures) == (2, 2, [])
    out = tmp_path / 'out'
    assert sorted(p.name for p in out.iterdir()) == [
        'images',
        'joints.json',
        'people.csv',
        'people.jsonl',
        'people.parquet',
        'results.json',
    ]
    results = json.loads((out / 'results.json').read_text())
    joints = json.loads((out / 'joints.json').read_text())
    assert joints['joint_names'] == ['top_left', 'bottom_right', 'centre']
    assert sorted(joints['image_ids'].values()) == [0, 1]
    assert [r['image_id'] for r in results] == [0, 1]
    assert len(results[0]['keypoints']) == 9
    rows = read_rows(out / 'people.csv')
    assert [row['joint'] for row in rows[:3]] == joints['joint_names']
    assert (len(rows), float(rows[1]['x_px'])) == (6, 160)
    import pandas

    table = pandas.read_parquet(out / 'people.parquet')
    assert table.joint.tolist() == [row['joint'] for row in rows]
    np.testing.assert_allclose(table.score, [float(row['score']) for row in rows])
    assert sorted(p.name for p in (out / 'images').iterdir()) == ['a.png', 'b.png']
    assert cv2.imread(str(out / 'images' / 'a.png')).shape == (480, 640, 3)


def test_what_is_done_is_not_done_again(run, backend, write_images, tmp_path):
    folder = write_images('a.png', 'b.png')
    run(folder)
    first = (tmp_path / 'out' / 'results.json').read_bytes()
    write_images('a.png', 'b.png', 'c.png')
    backend.batches.clear()
    outcome = run(folder)
    assert (outcome.frames, outcome.skipped, outcome.people) == (1, 2, 3)
    assert backend.batches == [[1]]
    assert (tmp_path / 'out' / 'results.json').read_bytes() != first
    assert run(folder, overwrite=True).frames == 3


def test_a_run_that_was_killed_goes_on(run, write_images, tmp_path):
    folder = write_images('a.png', 'b.png', 'c.png')
    run(folder)
    expected = (tmp_path / 'out' / 'people.csv').read_bytes()
    journal = tmp_path / 'out' / 'people.jsonl'
    content = journal.read_bytes()
    for cut in (5, 300):  # within the last line, within the line before
        journal.write_bytes(content[:-cut])
        assert 1 <= run(folder).frames <= 2
        assert (tmp_path / 'out' / 'people.csv').read_bytes() == expected


def test_two_runs_cannot_write_to_one_folder(run, write_images, tmp_path):
    folder = write_images('a.png')
    run(folder)
    before = {p: p.read_bytes() for p in (tmp_path / 'out').iterdir()}
    with open(tmp_path / 'out' / 'people.jsonl', 'ab') as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for overwrite in (False, True):
            with pytest.raises(UserError, match=r'another run writes to .*out\. Fix'):
                run(folder, overwrite=overwrite)
    assert before == {p: p.read_bytes() for p in (tmp_path / 'out').iterdir()}
    assert run(folder).skipped == 1


def test_other_settings_are_refused(run, write_images, tmp_path):
    folder = write_images('a.png')
    run(folder, settings=dict(flip_test=False))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / 'out').iterdir()}
    with pytest.raises(
        UserError, match=r'flip_test=False, and this run has True. Fix:'
    ):
        run(folder, settings=dict(flip_test=True))
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / 'out').iterdir()}
    (tmp_path / 'out' / 'people.jsonl').write_text('something else\n')
    with pytest.raises(UserError, match='is not of gm_pose predict'):
        run(folder)


def test_ctrl_c_keeps_what_is_done(run, backend, write_images, tmp_path):
    names = [f'{k:02d}.png' for k in range(10)]
    folder = write_images(*names)
    estimate = backend.estimate

    def interrupt(images, boxes):
        if len(backend.batches) == 1:
            raise KeyboardInterrupt
        return estimate(images, boxes)

    backend.estimate = interrupt
    outcome = run(folder)
    assert outcome.is_interrupted
    assert outcome.frames == 4
    assert len(json.loads((tmp_path / 'out' / 'results.json').read_text())) == 4
    backend.estimate = estimate
    assert run(folder).skipped == 4


def test_an_error_leaves_nothing_half_written(run, backend, write_video, tmp_path):
    def fail(images, boxes):
        raise RuntimeError('out of memory')

    backend.estimate = fail
    with pytest.raises(RuntimeError):
        run(write_video(), ('json', 'video'))
    assert [p.name for p in (tmp_path / 'out').iterdir()] == ['people.jsonl']


def test_a_video_becomes_a_video(run, write_video, tmp_path):
    outcome = run(write_video(frames=12), ('json', 'video'))
    assert outcome.frames == 12
    capture = cv2.VideoCapture(str(tmp_path / 'out' / 'video.mp4'))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 12
    assert capture.get(cv2.CAP_PROP_FPS) == 10
    assert capture.read()[1].shape == (480, 640, 3)
    results = json.loads((tmp_path / 'out' / 'results.json').read_text())
    assert [r['image_id'] for r in results] == list(range(12))
    assert not [p for p in (tmp_path / 'out').iterdir() if p.name.startswith('.')]


def test_a_video_goes_on_after_its_last_frame(run, write_video, tmp_path):
    path = write_video(frames=12)
    run(path)
    journal = tmp_path / 'out' / 'people.jsonl'
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b''.join(lines[:8]))
    outcome = run(path)
    assert (outcome.skipped, outcome.frames, outcome.failures) == (7, 5, [])
    assert len(read_rows(tmp_path / 'out' / 'people.csv')) == 36


def test_images_of_one_name_in_several_folders_have_pictures_each(
    run, write_images, tmp_path
):
    folder = write_images('a.png', 'a.jpg')
    (folder / 'b').mkdir()
    (folder / 'a.png').rename(folder / 'b' / 'a.png')
    write_images('a.png')
    run(folder, ('images',))
    assert len(list((tmp_path / 'out' / 'images').iterdir())) == 3


@pytest.mark.skipif(sys.platform != 'linux', reason='other systems refuse the name')
def test_a_file_name_that_is_no_utf8_is_escaped_in_tables(run, write_images, tmp_path):
    folder = write_images('a.png')
    os.rename(folder / 'a.png', os.fsencode(folder) + b'/ros\xe9.png')
    outcome = run(str(folder), ('json', 'csv', 'parquet', 'images'))
    assert (outcome.frames, outcome.failures) == (1, [])
    expected = f'{folder}/ros\\udce9.png'
    assert read_rows(tmp_path / 'out/people.csv')[0]['source'] == expected
    table = pytest.importorskip('pyarrow.parquet').read_table(
        tmp_path / 'out/people.parquet'
    )
    assert table['source'][0].as_py() == expected
    assert len(list((tmp_path / 'out/images').iterdir())) == 1
    assert run(str(folder)).skipped == 1


@pytest.mark.parametrize('settings', [3, [1]])
def test_a_header_of_another_program_is_refused(run, write_images, tmp_path, settings):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'people.jsonl').write_text(f'{{"settings": {settings}}}\n')
    with pytest.raises(UserError, match='is not of gm_pose predict'):
        run(write_images('a.png'))


@pytest.mark.parametrize('change', [dict(keypoints_px=[[1]]), dict(image_size=3)])
def test_a_changed_line_is_named(run, write_images, tmp_path, change):
    folder = write_images('a.png')
    run(folder)
    journal = tmp_path / 'out' / 'people.jsonl'
    header, line = journal.read_text().splitlines()
    journal.write_text(f'{header}\n{json.dumps({**json.loads(line), **change})}\n')
    with pytest.raises(UserError, match=r'line 2 of .*people\.jsonl is not of'):
        run(folder)


def test_a_file_in_the_way_of_pictures(run, write_images, tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'images').write_text('in the way')
    with pytest.raises(UserError, match=r'cannot make .*images .EEXIST'):
        run(write_images('a.png'), ('images',))


@pytest.mark.parametrize(
    ('limit', 'message'),
    [(700, r'people\.jsonl .EFBIG'), (20_000, r'video\.mp4: .* no whole video')],
)
def test_a_full_disk_is_one_line_and_leaves_no_half_a_video(
    run, write_video, tmp_path, limit, message
):
    resource = pytest.importorskip('resource')
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    video = write_video(frames=12)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        with pytest.raises(UserError, match=message):
            run(video, ('video',))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [p.name for p in (tmp_path / 'out').iterdir()] == ['people.jsonl']


def test_wrong_things_to_save(run, write_images, tmp_path):
    with pytest.raises(UserError, match=r"--save has 'pickle'; expected some of json"):
        run(write_images('a.png'), ('pickle',))
    assert not (tmp_path / 'out').exists()


def test_a_folder_that_cannot_be_made(run, write_images, tmp_path):
    (tmp_path / 'out').write_text('in the way')
    with pytest.raises(UserError, match=r'cannot make .*out .EEXIST'):
        run(write_images('a.png'))


def test_progress_says_how_long_it_will_take():
    stream = io.StringIO()
    stream.isatty = lambda: True
    progress = Progress(10, stream)
    progress._began -= 40
    progress._shown -= 40
    for _ in range(4):
        progress._shown -= 1
        progress.add(people=2)
    line = stream.getvalue().split('\r')[-2].strip()
    assert line == '4/10 frames, 8 people, 60 s left (0.1 frames/s)'


def test_command_line_from_checkpoint_to_files(
    checkpoint, run_folder, annotations, images, tmp_path, capsys, monkeypatch
):
    """Files that are broken are named, and the exit status says so."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for path in images:
        os.link(path, folder / os.path.basename(path))
    (folder / 'broken.jpg').write_bytes(b'not an image')
    arguments = [
        checkpoint,
        str(folder),
        '--boxes',
        annotations,
        '--out',
        str(tmp_path / 'out'),
        '--device',
        'cpu',
        '--score',
        'expected_oks',
        '--flip-test',
    ]
    assert predict.main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith(f'{len(images)} frames predicted; 7 people in ')
    assert 'broken.jpg: not an image' in captured.err
    (folder / 'broken.jpg').unlink()
    assert predict.main(arguments) == 0
    assert f'{len(images)} were done before' in capsys.readouterr().out
    results = json.loads((tmp_path / 'out' / 'results.json').read_text())
    assert {r['image_id'] for r in results} <= {int(p[-16:-4]) for p in images}
    assert all(0 < r['score'] <= 1 for r in results)


def test_command_line_reports_mistakes_in_one_line(checkpoint, tmp_path, capsys):
    for source, options in (
        ('gone.jpg', []),
        (str(tmp_path), ['--batch-size', '0']),
        (str(tmp_path), ['--threshold', 'nan']),
        (str(tmp_path), ['--box-threshold', 'nan']),
    ):
        with pytest.raises(SystemExit) as end:
            predict.main([checkpoint, source, *options])
        assert end.value.code == 2
        assert capsys.readouterr().err.count('gm_pose: error: ') == 1


def test_the_public_name_is_the_estimator():
    import gm_pose

    assert gm_pose.PoseEstimator is PoseEstimator
