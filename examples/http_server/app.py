"""Image in, COCO results out. Run it with: MODEL=best.onnx uvicorn app:app

Needs numpy, OpenCV, ONNX Runtime, gm_pose (without PyTorch and MMPose) and FastAPI.
"""

import asyncio
import json
import os
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Header, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool

from gm_pose.inference import PoseEstimator
from gm_pose.inference.boxes import BoxCounts, keep_usable
from gm_pose.inference.sources.pixels import UnreadableImage, decode_upload

MAX_BYTES, MAX_PIXELS, MAX_PEOPLE = 10_000_000, 25_000_000, 50
TYPES = ('image/jpeg', 'image/png')

app = FastAPI(title='gm_pose')
pose = PoseEstimator(os.environ.get('MODEL', 'model.onnx'))
one_at_a_time = asyncio.Lock()  # a request has all cores, and memory for one image


def predict(body: bytes, text: str | None) -> list[dict[str, Any]]:
    try:
        image = decode_upload(body, MAX_PIXELS)
        h, w = image.shape[:2]
        boxes = np.array(json.loads(text or f'[[0, 0, {w}, {h}]]'), np.float64)
        if boxes.size and boxes.shape[1:] != (4,):
            raise ValueError(boxes.shape)
    except UnreadableImage as error:
        raise HTTPException(422, str(error)) from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise HTTPException(422, 'boxes: expected [[x1, y1, x2, y2], ...]') from error
    if len(boxes) > MAX_PEOPLE:
        raise HTTPException(413, f'{len(boxes)} boxes; expected at most {MAX_PEOPLE}')
    if not keep_usable(boxes, (w, h), counts := BoxCounts()).all():
        raise HTTPException(422, f'boxes: {counts}, of {w} x {h} px')
    return pose(image, boxes=boxes).to_coco()


@app.post('/poses')
async def estimate_poses(
    request: Request,
    content_type: Annotated[str, Header()] = '',
    boxes: Annotated[str | None, Query(max_length=10_000)] = None,
) -> list[dict[str, Any]]:
    """The body is one image; `boxes` is JSON, by default the whole image."""
    if content_type.partition(';')[0].strip().lower() not in TYPES:
        raise HTTPException(415, f'Content-Type is {content_type!r}; expected {TYPES}')
    body = bytearray()
    async for part in request.stream():  # Content-Length may say anything
        body += part
        if len(body) > MAX_BYTES:
            raise HTTPException(413, f'the image has more than {MAX_BYTES} bytes')
    async with one_at_a_time:
        return await run_in_threadpool(predict, bytes(body), boxes)
