# What the stand-ins are built with. What it knows of this place (a certificate, an index) ends here:
# no image that is used derives from it.
FROM chroma-chaos/python:offline
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY ca.crt /usr/local/share/ca-certificates/build.crt
# An empty file stands for no certificate.
RUN if [ -s /usr/local/share/ca-certificates/build.crt ]; then \
      cat /usr/local/share/ca-certificates/build.crt >> /etc/ssl/certs/ca-certificates.crt; fi
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# Without an index of its own, each tool asks the public one.
ARG INDEX_URL=
ENV INDEX_URL=${INDEX_URL}
RUN if [ -n "${INDEX_URL}" ]; then \
      printf '[global]\nindex-url = %s\n' "${INDEX_URL}" > /etc/pip.conf \
      && mkdir -p /etc/uv && printf '[[index]]\nurl = "%s"\ndefault = true\n' "${INDEX_URL}" > /etc/uv/uv.toml; fi
