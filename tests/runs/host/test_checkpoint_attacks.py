"""What an attacker may write into a checkpoint: refused in one line, nothing run.

Each attack is a pickle by hand, since `pickle.dumps` does not write most of them. Those
marked "the plain allow-list takes it" load where numpy's and MMEngine's real objects are
put in torch's safe globals, as advice on the net has it.
"""

import io
import pickle
import pickletools
import sys
import tarfile
import traceback
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from gm_pose.runs.host.checkpoints import safe_loading as checkpoints
from gm_pose.runs.host.checkpoints.safe_loading import load_checkpoint_file


@pytest.fixture
def witness(tmp_path):
    """A file that exists only if an attack worked."""
    path = tmp_path / 'witness'
    yield path
    assert not path.exists(), 'the checkpoint ran code'


def name(path: str) -> bytes:
    """GLOBAL: push what the pickle may name."""
    module, _, attribute = path.partition(':')
    return f'c{module}\n{attribute}\n'.encode()


def text(value: str) -> bytes:
    encoded = value.encode()
    return b'X' + len(encoded).to_bytes(4, 'little') + encoded


def tuple_of(*items: bytes) -> bytes:
    return b'(' + b''.join(items) + b't'


def call(function: bytes, *arguments: bytes) -> bytes:
    """REDUCE."""
    return function + tuple_of(*arguments) + b'R'


def build(item: bytes, state: bytes) -> bytes:
    """BUILD: item.__setstate__(state), or setattr."""
    return item + state + b'b'


def raw_bytes(value: bytes) -> bytes:
    return call(name('_codecs:encode'), text(value.decode('latin1')), text('latin1'))


NONE, ONE = b'N', b'K\x01'
BUFFER = name('mmengine.logging.history_buffer:HistoryBuffer')
GETATTR = name('__builtin__:getattr')
NDARRAY, DTYPE = name('numpy:ndarray'), name('numpy:dtype')
RECONSTRUCT = name('numpy.core.multiarray:_reconstruct')
F8 = call(DTYPE, text('f8'), b'\x89', b'\x88')
EMPTY_ARRAY = call(RECONSTRUCT, NDARRAY, tuple_of(b'K\x00'), raw_bytes(b'b'))
SHAPE_1 = tuple_of(ONE)
ADDRESS = raw_bytes(b'A' * 8)  # that numpy would take for a pointer to an object


def write_checkpoint(path, value: bytes, protocol=2) -> str:
    """A file as torch.save writes them, whose pickle is {'state_dict': value}."""
    content = bytes([0x80, protocol]) + b'}' + text('state_dict') + value + b's.'
    assert b''.join(op.code.encode('latin1') for op, *_ in pickletools.genops(content))
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/data.pkl', content)
        archive.writestr('archive/byteorder', sys.byteorder)
        archive.writestr('archive/version', '3\n')
    return str(path)


def array_state(shape=SHAPE_1, dtype=F8, data=ADDRESS) -> bytes:
    return tuple_of(ONE, shape, dtype, b'\x89', data)


def attack(path) -> dict[str, bytes]:
    """Name of an attack -> its pickle; they touch `path` where they run code."""
    touch = f'touch {path}'
    code = text(f'open({str(path)!r}, "w")')
    init = call(GETATTR, BUFFER, text('__init__'))
    return {
        'os.system': call(name('os:system'), text(touch)),
        'posix.system': call(name('posix:system'), text(touch)),
        'subprocess': call(name('subprocess:getoutput'), text(touch)),
        'eval': call(name('__builtin__:eval'), code),
        'exec by its new name': call(name('builtins:exec'), code),
        'import': call(name('builtins:__import__'), text('os')),
        'open': call(name('io:open'), text(str(path)), text('w')),
        'attrgetter': call(name('operator:attrgetter'), text('x')),
        'partial': call(name('functools:partial'), name('os:system'), text(touch)),
        'another torch.load': call(name('torch.serialization:load'), text('x.pth')),
        'torch.hub': call(name('torch.hub:load'), text('x/y'), text('z')),
        'a class of the project': call(name('mmpose.codecs:MSRAHeatmap')),
        # the plain allow-list's restricted getattr is where these would start
        'method of HistoryBuffer': init,
        'globals of a method': call(GETATTR, init, text('__globals__')),
        'class of HistoryBuffer': call(GETATTR, BUFFER, text('__class__')),
        'classmethod': call(GETATTR, BUFFER, text('register_statistics')),
        'getattr of another class': call(
            GETATTR, name('collections:OrderedDict'), text('fromkeys')
        ),
        'getattr of a module name': call(GETATTR, text('os'), text('mean')),
        'getattr with a name that lies': call(
            GETATTR, BUFFER, text('mean.__globals__')
        ),
        'dotted name': name('mmengine.logging.history_buffer:HistoryBuffer.mean'),
        'module beside it': name('mmengine.logging.history_buffer:warnings'),
        'subclass by reconstruct': call(RECONSTRUCT, BUFFER, tuple_of(ONE), text('b')),
        # the plain allow-list takes these: numpy then follows a pointer out of the file
        'array of objects on a buffer': call(
            NDARRAY, tuple_of(ONE), text('O'), ADDRESS
        ),
        'new array of objects': NDARRAY + tuple_of(tuple_of(ONE), text('O')) + b'\x81',
        'dtype of objects': call(DTYPE, text('O')),
        'dtype of fields': call(DTYPE, b'](' + tuple_of(text('a'), text('O')) + b'e'),
        'dtype by its class': call(DTYPE, BUFFER),
        'fields beyond the item': build(
            F8,
            tuple_of(
                b'K\x03',
                text('<'),
                NONE,
                tuple_of(text('x')),
                b'}' + text('x') + tuple_of(F8, b'M\xff\xff') + b's',
                b'K\x08',
                b'K\x08',
                ONE,
            ),
        ),
        'array of objects': build(EMPTY_ARRAY, array_state(data=b']')),
        'array without a dtype': build(EMPTY_ARRAY, array_state(dtype=text('O'))),
        'array longer than its bytes': build(
            EMPTY_ARRAY, array_state(shape=tuple_of(b'K\xff'))
        ),
        'array of negative length': build(
            EMPTY_ARRAY,
            array_state(shape=tuple_of(b'J\xff\xff\xff\xff', b'J\xff\xff\xff\xff')),
        ),
        'array without a state': EMPTY_ARRAY,
        'scalar of objects': call(
            name('numpy.core.multiarray:scalar'), call(DTYPE, text('O')), ADDRESS
        ),
        'scalar longer than its bytes': call(
            name('numpy._core.multiarray:scalar'), F8, raw_bytes(b'')
        ),
        'huge bytes': call(name('__builtin__:bytes'), b'J\xff\xff\xff\x7f'),
        # state on what is shared by the process
        'attributes of a class': build(
            BUFFER, tuple_of(NONE, b'}' + text('update') + BUFFER + b's')
        ),
        'attributes of a function': build(
            RECONSTRUCT, tuple_of(NONE, b'}' + text('__name__') + text('x') + b's')
        ),
        'history of no numbers': build(
            BUFFER + b')\x81', b'}' + text('_log_history') + text('x') + b's'
        ),
        # opcodes that name or call in other ways
        'class by INST': b'(' + text(touch) + b'ios\nsystem\n',
        'class by OBJ': b'(' + name('os:system') + text(touch) + b'o',
        'name by STACK_GLOBAL': call(
            text('os') + text('system') + b'\x93', text(touch)
        ),
        'nested too deep': b']' * 100_000 + b'a' * 99_999,
    }


@pytest.mark.parametrize('attack_name', attack('x'))
def test_attack_is_refused(attack_name, witness, tmp_path):
    path = tmp_path / 'model.pth'
    write_checkpoint(path, attack(witness)[attack_name])
    statistics = dict(HistoryBuffer._statistics_methods)
    with pytest.raises(
        ValueError, match=r'model\.pth (was refused|is damaged)'
    ) as info:
        load_checkpoint_file(str(path))
    message = str(info.value)
    assert '\n' not in message
    assert 'weights_only' not in message
    assert 'add_safe_globals' not in message
    assert HistoryBuffer._statistics_methods == statistics


@pytest.mark.parametrize('attack_name', ['os.system', 'posix.system', 'eval', 'import'])
def test_refusal_names_what_the_file_carries(attack_name, witness, tmp_path):
    path = write_checkpoint(tmp_path / 'm.pth', attack(witness)[attack_name])
    with pytest.raises(ValueError, match=f'refused: it carries .*{attack_name[:6]}'):
        load_checkpoint_file(path)


def test_traceback_does_not_advise_unsafe_loading(witness, tmp_path):
    path = write_checkpoint(tmp_path / 'm.pth', attack(witness)['eval'])
    with pytest.raises(checkpoints.CheckpointError) as info:
        load_checkpoint_file(path)
    shown = ''.join(traceback.format_exception(info.value))
    assert 'refused' in shown
    assert 'Re-running' not in shown
    assert 'trusted source' not in shown


def test_attacks_work_where_they_are_not_refused(tmp_path):
    """Guards the helpers above: plain pickle runs what they write."""
    path = tmp_path / 'witness'
    pickle.loads(b'\x80\x02' + attack(path)['os.system'] + b'.')
    assert path.exists()


def test_object_that_reduces_itself_is_refused(witness, tmp_path):
    """As `torch.save` writes it, in both of its formats."""

    class Evil:
        def __reduce__(self):
            return eval, (f'open({str(witness)!r}, "w")',)

    for is_zip in (True, False):
        path = tmp_path / 'evil.pth'
        torch.save(
            {'meta': {'note': Evil()}}, path, _use_new_zipfile_serialization=is_zip
        )
        with pytest.raises(ValueError, match=r'evil\.pth was refused: .*eval'):
            load_checkpoint_file(str(path))


def test_subclass_of_history_buffer_is_refused(tmp_path):
    class Loud(HistoryBuffer):
        def __setstate__(self, state):
            raise AssertionError('was built')

    Loud.__qualname__ = 'Loud'
    sys.modules[__name__].Loud = Loud
    torch.save({'buffer': Loud()}, tmp_path / 'subclass.pth')
    with pytest.raises(ValueError, match=r'subclass\.pth was refused: .*Loud'):
        load_checkpoint_file(str(tmp_path / 'subclass.pth'))


def test_old_tar_format_is_refused(witness, tmp_path):
    """The way around weights_only in torch < 2.6 (CVE-2025-32434)."""
    evil = b'\x80\x02' + attack(witness)['os.system'] + b'.'
    path = tmp_path / 'old.pth'
    with tarfile.open(path, 'w', format=tarfile.PAX_FORMAT) as archive:
        for member in ('sys_info', 'storages', 'tensors', 'pickle'):
            info = tarfile.TarInfo(member)
            info.size = len(evil)
            archive.addfile(info, io.BytesIO(evil))
    with pytest.raises(ValueError, match=r'old\.pth (was refused|is damaged)'):
        load_checkpoint_file(str(path))


def test_statistics_of_a_file_do_not_reach_the_class(tmp_path):
    """HistoryBuffer.__setstate__ would write them into a dict of all buffers."""
    buffer = HistoryBuffer([1.0, 3.0], [1, 1])
    buffer.__dict__['statistics_methods'] = {'mean': HistoryBuffer.max, 'now': 'x'}
    state = dict(buffer.__dict__)
    buffer.__class__ = type('HistoryBuffer', (HistoryBuffer,), {})
    type(buffer).__module__ = 'mmengine.logging.history_buffer'
    type(buffer).__getstate__ = lambda self: state
    path = tmp_path / 'statistics.pth'
    with pytest.MonkeyPatch.context() as patch:
        module = sys.modules['mmengine.logging.history_buffer']
        patch.setattr(module, 'HistoryBuffer', type(buffer))
        torch.save(buffer, path)
    loaded = load_checkpoint_file(str(path))
    assert loaded.statistics('mean') == 2.0
    assert 'now' not in HistoryBuffer._statistics_methods
    np.testing.assert_array_equal(loaded.data[0], [1.0, 3.0])
