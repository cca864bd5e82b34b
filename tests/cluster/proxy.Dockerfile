# The hub's proxy for the tests, of what `make install` has put into .venv/proxy (the folder to build in).
ARG BASE=debian:bookworm-slim
FROM $BASE
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends nodejs tini >/dev/null \
    && rm -rf /var/lib/apt/lists/*
COPY node_modules /opt/proxy/node_modules
RUN ln -s /opt/proxy/node_modules/.bin/configurable-http-proxy /usr/local/bin/
USER 65534:65534
ENTRYPOINT ["tini", "--"]
