# Python on a given Debian; the stand-in for the public python image.
ARG BASE_IMAGE=chroma-chaos/base:offline
FROM ${BASE_IMAGE}
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
       python3 ca-certificates dumb-init tzdata \
    && ln -s python3 /usr/bin/python \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /usr/share/doc/* /usr/share/man/*
CMD ["python3"]
