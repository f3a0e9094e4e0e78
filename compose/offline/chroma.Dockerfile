# Chroma's server out of its wheel; the stand-in for chromadb/chroma: same command, port, data directory.
FROM chroma-chaos/build:offline AS build
ARG CHROMA_VERSION=1.5.9
RUN python3 -m venv /opt/pip \
    && /opt/pip/bin/pip install --quiet --no-cache-dir --no-deps --target /opt/wheel chromadb==${CHROMA_VERSION} \
    && mkdir -p /opt/chroma && mv /opt/wheel/chromadb_rust_bindings /opt/chroma/
COPY chroma /opt/chroma/bin/chroma

FROM chroma-chaos/python:offline
COPY --from=build /opt/chroma /opt/chroma
ENV PATH=/opt/chroma/bin:$PATH
RUN echo 'persist_path: "/data"' > /config.yaml
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["dumb-init", "--", "chroma"]
CMD ["run", "/config.yaml"]
