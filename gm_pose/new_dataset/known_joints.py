"""The joint of MMPose's datasets whose name is nearest to one of yours."""

from __future__ import annotations

import difflib
import re
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mmengine import Config

from gm_pose.codecs.dataset_metainfo import find_metainfo_files
from gm_pose.runs.data_checks.joint_sides import LEFT, RIGHT

__all__ = ['KnownJoint', 'find_known_joint', 'split_words']

# Datasets whose OKS sigmas are their own or COCO's, best first. Left out are those that
# give one number to all joints (ak), list them in another order (coco_openpose), or
# measure otherwise (aic: a fifth of COCO's).
DATASETS = (
    'coco',
    'crowdpose',
    'halpe26',
    'mpii',
    'ap10k',
    'animalpose',
    'atrw',
    'jhmdb',
    'coco_wholebody_hand',
    'coco_wholebody',
)

_WORD = re.compile(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+')
_SIDES = {*LEFT, *RIGHT}
_FILLERS = {'the', 'of', 'joint', 'kpt', 'keypoint', 'point'} | {
    *('mid', 'middle', 'center', 'centre', 'base', 'root')
}
# word of yours -> word of MMPose's
_SYNONYMS = dict(
    shldr='shoulder',
    sho='shoulder',
    shoulders='shoulder',
    elb='elbow',
    wri='wrist',
    hand='wrist',
    kne='knee',
    ank='ankle',
    foot='ankle',
    toes='toe',
    snout='nose',
    muzzle='nose',
    forehead='head',
    skull='head',
    crown='head',
    rump='tail',
    tailbase='tail',
    eyes='eye',
    ears='ear',
    pelvic='pelvis',
    hips='hip',
    chest='thorax',
    sternum='thorax',
    fore='front',
    f='front',
    hind='back',
    rear='back',
    b='back',
    forepaw='front paw',
    hindpaw='back paw',
    thumbs='thumb',
    index='forefinger',
    pointer='forefinger',
    little='pinky',
)
SIMILAR = 0.8
"""Least likeness of two names, by difflib's ratio, that are taken for one misspelt."""


@dataclass(frozen=True)
class KnownJoint:
    """A joint of an MMPose dataset.

    Attributes:
        dataset: its name.
        name: the joint's.
        oks_sigma: its constant of OKS.
        weight: its weight of `joint_weights`.
        part: 'upper' or 'lower', '' where the dataset does not say.
        likeness: 1 for the same words.
    """

    dataset: str
    name: str
    oks_sigma: float
    weight: float
    part: str
    likeness: float = 1.0


def split_words(name: str) -> frozenset[str]:
    """Joint name -> the words that say which joint it is, without its side.

    Example:
        >>> sorted(split_words('L_TailBase')), sorted(split_words('Root of tail'))
        (['tail'], ['tail'])
    """
    words = [word.lower() for word in _WORD.findall(name)]
    words = [w for word in words for w in _SYNONYMS.get(word, word).split()]
    # of names in one word: `leftelbow`
    words = [re.sub('^(left|right)(?=.)|(?<=.)(left|right)$', '', w) for w in words]
    return frozenset(words) - _SIDES - _FILLERS


def find_side(name: str) -> str:
    """Joint name -> 'left', 'right', '' for none.

    Example:
        >>> find_side('wrist.R'), find_side('lefthip'), find_side('nose')
        ('right', 'left', '')
    """
    words = {word.lower() for word in _WORD.findall(name)}
    for side, spellings in (('left', LEFT), ('right', RIGHT)):
        if words & {*spellings} or any(side in word for word in words):
            return side
    return ''


@lru_cache(maxsize=1)
def list_known_joints() -> tuple[tuple[KnownJoint, frozenset[str]], ...]:
    """Joints of DATASETS with the words of their names."""
    files = find_metainfo_files()
    known = []
    for dataset in DATASETS:
        if dataset not in files:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            info: dict[str, Any] = Config.fromfile(str(files[dataset])).dataset_info
        rows = zip(
            info['keypoint_info'].values(),
            info['sigmas'],
            info['joint_weights'],
            strict=True,
        )
        for joint, sigma, weight in rows:
            name = str(joint['name'])
            part = str(joint.get('type', ''))
            found = KnownJoint(dataset, name, float(sigma), float(weight), part)
            known.append((found, split_words(name)))
    return tuple(known)


def find_known_joint(name: str) -> KnownJoint | None:
    """Joint name -> the nearest known joint, of the first dataset that has it.

    Nearest: the same words; else most words in common, at least half of both names'; else
    one word misspelt.

    Example:
        >>> found = find_known_joint('RShoulder')
        >>> found.dataset, found.name, found.oks_sigma
        ('coco', 'right_shoulder', 0.079)
    """
    words = split_words(name)
    if not any(word.isalpha() for word in words):  # a number says nothing by itself
        return None
    if sum(letter.isalpha() for letter in name) < 2:  # 'b' is no back paw
        return None
    best: tuple[tuple[float, int, bool], KnownJoint] | None = None
    for joint, theirs in list_known_joints():
        common = words & theirs
        has_word = any(word.isalpha() for word in common)
        likeness = len(common) / len(words | theirs) if has_word else 0.0
        if likeness < 0.5:
            texts = ' '.join(sorted(words)), ' '.join(sorted(theirs))
            ratio = difflib.SequenceMatcher(None, *texts).ratio()
            likeness = 0.5 * ratio if ratio >= SIMILAR else 0.0
        if likeness <= 0 or (best is not None and likeness < best[0][0]):
            continue
        # of two that are as near, the better dataset's, then that of the same side
        is_same_side = find_side(name) == find_side(joint.name)
        rank = likeness, -DATASETS.index(joint.dataset), is_same_side
        if best is None or rank > best[0]:
            best = rank, joint
    return None if best is None else replace(best[1], likeness=best[0][0])
