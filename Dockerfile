# gm_pose with its tested environment (5.5 GB: PyTorch's default build brings CUDA).
#   docker build -t gm_pose .
#   docker run --rm gm_pose doctor
#   docker run --rm --gpus all --shm-size 8g -v /path/to/coco:/data/coco \
#     -v "$PWD/work_dirs:/work/work_dirs" gm_pose \
#     train /src/configs/gm_best_res50_coco.py --work-dir work_dirs/best
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 COCO_ROOT=/data/coco
RUN useradd --create-home --uid 1000 pose \
    && mkdir -p /work/work_dirs && chown -R pose /work

# The environment first: it changes less often than the package.
WORKDIR /src
COPY requirements requirements
RUN pip install --prefer-binary -r requirements/stack.txt

COPY . .
RUN pip install --no-deps --no-build-isolation . && pip check

USER pose
WORKDIR /work
ENTRYPOINT ["gm_pose"]
CMD ["--help"]
