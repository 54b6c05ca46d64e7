# Two images from one file:
#   docker build --target web .      the web server and the migrations; without torch
#   docker build --target worker .   the worker, with the CUDA build of torch
# Every package but torch is checked against the hashes of a lock file.
# Another Python, 3.12 or 3.13: --build-arg PYTHON=3.13

ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/longscribe
ENV PATH=/opt/longscribe/bin:$PATH
WORKDIR /src

FROM build AS build-web
COPY requirements-web.lock ./
RUN pip install --no-deps --require-hashes -r requirements-web.lock
COPY . .
RUN pip install --no-deps --no-build-isolation .

FROM build AS build-worker
COPY requirements.lock torch.txt ./
RUN pip install --no-deps --require-hashes -r requirements.lock \
    && pip install -r torch.txt
COPY . .
RUN pip install --no-deps --no-build-isolation .

# The root file system may be read-only: what is written goes to /data, /models and /tmp.
FROM python:${PYTHON}-slim AS runtime
RUN groupadd --gid 10001 longscribe \
    && useradd --uid 10001 --gid longscribe --no-create-home --home-dir /tmp longscribe \
    && install --directory --mode=0700 --owner=longscribe --group=longscribe /data /models
ENV PATH=/opt/longscribe/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    NUMBA_CACHE_DIR=/tmp/numba \
    LONGSCRIBE_DATA_DIR=/data \
    MODELSCOPE_CACHE=/models \
    HF_HOME=/models/huggingface
WORKDIR /data

FROM runtime AS web
COPY --from=build-web /opt/longscribe /opt/longscribe
USER 10001:10001
# The first goes with the second: the server refuses to let strangers in without sign-in.
ENV LONGSCRIBE_HOST=0.0.0.0 \
    LONGSCRIBE_SIGN_IN=required
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=8); c.request('GET', '/readyz'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["gunicorn", "-c", "python:web.gunicorn_settings", "web.app:create_app()"]

FROM runtime AS worker
COPY --from=build-worker /opt/longscribe /opt/longscribe
USER 10001:10001
# The first start downloads the model. A busy worker answers too: its main process does no work.
# Without Redis, database or recordings it is alive, and a restart would help nobody.
ENV LONGSCRIBE_WORKER_HEALTH_PORT=8001
HEALTHCHECK --interval=60s --timeout=10s --start-period=15m \
    CMD ["python", "-c", "import http.client, os, sys; w = http.client.HTTPConnection('127.0.0.1', int(os.environ['LONGSCRIBE_WORKER_HEALTH_PORT']), timeout=8); w.request('GET', '/healthz'); sys.exit(w.getresponse().status != 200)"]
CMD ["celery", "-A", "worker.app", "worker", "--loglevel", "INFO", \
     "--without-gossip", "--without-mingle", "--without-heartbeat"]
