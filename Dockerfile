# Hale in a container: a build stage with the toolchain, and a run stage with its libraries only.

FROM docker.io/library/swift:6.3.1-bookworm AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      libsqlite3-dev zlib1g-dev libbrotli-dev libzstd-dev libroaring-dev libssl-dev \
      libcurl4-openssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN . Scripts/lib.sh && strip -o /hale "$(build_release .)"

FROM docker.io/library/debian:bookworm-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      libsqlite3-0 zlib1g libbrotli1 libzstd1 libroaring0 libssl3 libstdc++6 libcurl4 \
      ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && useradd --system --uid 10001 --user-group --no-create-home hale \
    && install -d -o hale -g hale /data
COPY --from=build /hale /usr/local/bin/hale
USER 10001:10001
VOLUME /data
EXPOSE 8787
# For the service, the health check, and commands run by `docker exec`.
ENV HALE_DATA=/data HALE_LISTEN=0.0.0.0:8787
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["/usr/local/bin/hale", "health"]
ENTRYPOINT ["/usr/local/bin/hale"]
CMD ["serve"]
