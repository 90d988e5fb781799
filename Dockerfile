# setwire in one image: the dependencies hash-checked into a virtual environment, then the project, then neither pip nor
# compiler but Python and that environment. `docker compose up -d` builds and runs it; docs/operations.md says the rest.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/setwire
WORKDIR /src
# The dependencies change rarely, so they have a layer of their own.
COPY requirements/base.txt requirements/base.txt
RUN /opt/setwire/bin/pip install --require-hashes -r requirements/base.txt
COPY . .
RUN /opt/setwire/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
LABEL org.opencontainers.image.title="setwire" \
      org.opencontainers.image.description="A newswire for films in the making: gathers production news, tells each story once." \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --system --gid 10001 setwire \
    && useradd --system --uid 10001 --gid setwire --home-dir /data --no-create-home --shell /usr/sbin/nologin setwire \
    && install --directory --owner=setwire --group=setwire --mode=0750 /data
COPY --from=build /opt/setwire /opt/setwire
ENV PATH=/opt/setwire/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SETWIRE_DATA_DIR=/data
WORKDIR /data
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --start-interval=2s --retries=3 \
    CMD ["setwire", "healthcheck"]
CMD ["setwire", "run", "--host", "0.0.0.0"]
