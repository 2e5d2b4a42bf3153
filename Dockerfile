# The service on the CPU. `docker compose up --build` starts it with its database.
FROM python:3.13-slim AS build
# Which extras to install; dlib: the engine whose weights companies may use.
ARG EXTRAS=dlib
WORKDIR /src
RUN python -m venv /opt/face
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY service service
COPY migrations migrations
RUN /opt/face/bin/pip install --no-cache-dir -c requirements.lock ".[$EXTRAS]"

FROM python:3.13-slim
# OpenCV's wheel takes these two from the system.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /nonexistent face \
    && install -d -o face -m 700 /models /data /backups
COPY --from=build /opt/face /opt/face
COPY docker/healthy.py /usr/local/lib/face/
ENV PATH=/opt/face/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    FACE_SERVER_HOST=0.0.0.0 \
    FACE_MODEL_ROOT=/models \
    FACE_DATA_DIR=/data \
    FACE_USE_GPU=false
USER face
EXPOSE 23535
HEALTHCHECK --interval=10s --timeout=6s --start-period=10m --retries=3 \
    CMD ["python", "/usr/local/lib/face/healthy.py"]
CMD ["face", "server"]
