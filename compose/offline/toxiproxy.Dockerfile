# Toxiproxy's programs, built by Go outside; the stand-in for ghcr.io/shopify/toxiproxy.
FROM scratch
COPY toxiproxy-server /toxiproxy
COPY toxiproxy-cli /toxiproxy-cli
EXPOSE 8474
ENTRYPOINT ["/toxiproxy"]
CMD ["-host=0.0.0.0"]
