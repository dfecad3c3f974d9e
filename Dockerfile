# Four images from one file. The web image installs only the producer: it has no SDK, and cannot get any secret.
#   docker build --target worker .     docker build --target web .     docker build --target simulator .
#   docker build --target server .
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS wheels
WORKDIR /source
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY producer producer
COPY server server
COPY shell shell
COPY worker worker
COPY simulator simulator
COPY examples/web/requirements.txt web.txt
RUN pip wheel --no-cache-dir --wheel-dir /wheels '.[worker,server,simulator,cli,encryption,metrics]' --requirement web.txt

FROM python:${PYTHON}-slim AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin sms

FROM base AS simulator
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels 'smsjobs[simulator]'
USER sms
EXPOSE 9400 9401
CMD ["aliyun-sms-simulator", "--host", "0.0.0.0", "--port", "9400", "--control-port", "9401"]

FROM base AS web
COPY examples/web/requirements.txt /tmp/requirements.txt
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels smsjobs --requirement /tmp/requirements.txt
COPY examples/web examples/hypercorn.toml /web/
WORKDIR /web
USER sms
EXPOSE 8000
CMD ["hypercorn", "--config", "hypercorn.toml", "--bind", "0.0.0.0:8000", "wsgi:web:app"]

FROM base AS server
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels 'smsjobs[server,oidc,cli,encryption]'
USER sms
EXPOSE 8080
CMD ["smsjobs", "serve", "--host", "0.0.0.0", "--port", "8080"]

# This stage is the last, so a build without a target makes the worker.
FROM base AS worker
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels 'smsjobs[worker,cli,encryption,metrics]'
USER sms
WORKDIR /app
ENV SMS_APP=/app
# This command serves all lanes. Better run one container for each lane, as docker-compose.yml does.
CMD ["celery", "-A", "smsjobs_worker", "worker", "-Q", "sms.verification,sms.notification,sms.bulk", "-P", "threads", "-c", "32", "--prefetch-multiplier", "1", "-l", "INFO"]
