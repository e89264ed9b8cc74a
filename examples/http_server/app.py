"""Image in, COCO results out. Run it with: MODEL=best.onnx uvicorn app:app

Needs numpy, OpenCV, ONNX Runtime, gm_pose (without PyTorch and MMPose) and FastAPI.
"""

import json
import os
import threading
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Header, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool

from gm_pose.fast_lane.images.original_images import decode_image
from gm_pose.inference import PoseEstimator
from gm_pose.inference.boxes import BoxCounts, keep_usable
from gm_pose.runs.data_checks.image_files import is_cut_jpeg
from gm_pose.runs.data_checks.image_header import find_size
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage

MAX_BYTES, MAX_PIXELS, MAX_PEOPLE = 10_000_000, 25_000_000, 50
TYPES = ('image/jpeg', 'image/png')

app = FastAPI(title='gm_pose')
pose = PoseEstimator(os.environ.get('MODEL', 'model.onnx'))
one_at_a_time = threading.Lock()  # a request has all cores, and memory for one image


async def read_body(request: Request, content_type: str) -> bytes:
    if content_type.partition(';')[0].strip().lower() not in TYPES:
        raise HTTPException(415, f'Content-Type is {content_type!r}; expected {TYPES}')
    body = bytearray()
    async for part in request.stream():  # Content-Length may say anything
        body += part
        if len(body) > MAX_BYTES:
            raise HTTPException(413, f'the image has more than {MAX_BYTES} bytes')
    return bytes(body)


def read_image(body: bytes) -> np.ndarray:
    if find_size(body) is None:
        raise HTTPException(422, 'the body is no JPEG or PNG')
    try:
        image = decode_image(body, 'upload://image', MAX_PIXELS)  # the header first
    except UnreadableImage as error:
        raise HTTPException(422, str(error)) from error
    if is_cut_jpeg(body):
        raise HTTPException(
            422, f'upload://image: the JPEG is cut off ({len(body)} bytes)'
        )
    return image


def read_boxes(text: str, size: tuple[int, int]) -> np.ndarray:
    try:
        boxes = np.array(json.loads(text) or np.zeros((0, 4)), np.float32)
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise ValueError(boxes.shape)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise HTTPException(422, 'boxes: expected [[x1, y1, x2, y2], ...]') from error
    if len(boxes) > MAX_PEOPLE:
        raise HTTPException(413, f'{len(boxes)} boxes; expected at most {MAX_PEOPLE}')
    counts = BoxCounts()
    if not keep_usable(boxes, size, counts).all():
        raise HTTPException(422, f'boxes: {counts}, of {size[0]} x {size[1]} px')
    return boxes


def predict(body: bytes, boxes: str | None) -> list[dict[str, Any]]:
    with one_at_a_time:
        image = read_image(body)
        h, w = image.shape[:2]
        found = pose(image, boxes=read_boxes(boxes or f'[[0, 0, {w}, {h}]]', (w, h)))
    return found.to_coco()


@app.post('/poses')
async def estimate_poses(
    request: Request,
    content_type: Annotated[str, Header()] = '',
    boxes: Annotated[str | None, Query(max_length=10_000)] = None,
) -> list[dict[str, Any]]:
    """The body is one image; `boxes` is JSON, by default the whole image."""
    body = await read_body(request, content_type)
    return await run_in_threadpool(predict, body, boxes)
