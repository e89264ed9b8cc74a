"""Image in, COCO results out. Run it with: MODEL=best.onnx uvicorn app:app

Needs numpy, OpenCV, ONNX Runtime, gm_pose (without PyTorch and MMPose) and FastAPI.
"""

import asyncio
import json
import os
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Request
from starlette.requests import ClientDisconnect

from gm_pose.inference import PoseEstimator
from gm_pose.inference.boxes import BoxCounts, keep_usable
from gm_pose.inference.sources.pixels import UnreadableImage, decode_upload
from gm_pose.runs.user_errors import report_user_errors

MAX_BYTES, MAX_PIXELS, MAX_PEOPLE, MAX_SECONDS = 10_000_000, 25_000_000, 50, 30
TYPES = ('image/jpeg', 'image/png')

app = FastAPI(title='gm_pose')
with report_user_errors():
    pose = PoseEstimator(os.environ.get('MODEL', 'model.onnx'))
one_at_a_time = asyncio.Lock()  # a request has all cores, and memory for one image


def predict(body: bytes, text: str | None) -> list[dict[str, Any]]:
    try:
        image = decode_upload(body, MAX_PIXELS)
        h, w = image.shape[:2]
        boxes = np.array([[0, 0, w, h]] if text is None else json.loads(text))
        is_table = boxes.shape == (0,) or boxes.shape[1:] == (4,)
        if not is_table or boxes.dtype.kind not in 'if':  # true and "1" are no numbers
            raise ValueError(boxes.shape)
    except UnreadableImage as error:
        raise HTTPException(422, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, 'boxes: expected [[x1, y1, x2, y2], ...]') from error
    if len(boxes) > MAX_PEOPLE:
        raise HTTPException(413, f'{len(boxes)} boxes; expected at most {MAX_PEOPLE}')
    if not keep_usable(boxes, (w, h), counts := BoxCounts()).all():
        raise HTTPException(422, f'boxes: {counts}, of {w} x {h} px')
    return pose(image, boxes=boxes).to_coco()


async def read_body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():  # Content-Length may say anything
        body += part
        if len(body) > MAX_BYTES:
            raise HTTPException(413, f'the image has more than {MAX_BYTES} bytes')
    return bytes(body)


@app.post('/poses')
async def estimate_poses(
    request: Request, boxes: Annotated[str | None, Query(max_length=10_000)] = None
) -> list[dict[str, Any]]:
    """The body is one image; `boxes` is JSON, by default the whole image."""
    kind = request.headers.get('content-type', '')
    if kind.partition(';')[0].strip().lower() not in TYPES:
        raise HTTPException(415, f'Content-Type is {kind!r}; expected {TYPES}')
    try:
        body = await asyncio.wait_for(read_body(request), MAX_SECONDS)
    except (ClientDisconnect, asyncio.TimeoutError) as error:
        raise HTTPException(408, f'no whole image in {MAX_SECONDS} s') from error
    async with one_at_a_time:
        return await asyncio.to_thread(predict, body, boxes)
