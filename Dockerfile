# Tollway in one small image: `docker run tollway` is a worker, `docker run tollway tollway billing` the ledger,
# `docker run -p 8080:8080 tollway tollway gateway` the gateway, once there is a key (`tollway keys create`).
# Build:  docker build -t tollway .

FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends librabbitmq-dev libhiredis-dev libpq-dev libsqlite3-dev libjemalloc-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The dependencies first: their layer stays until the manifest changes.
COPY Package.* ./
RUN swift package resolve
COPY Sources Sources
# Sources/Catalog/Defaults has links to them: they are built in.
COPY deploy/policy.yml deploy/
COPY provider_costs.yml ./
# The manifest names the test targets, so SwiftPM wants to see their folders.
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib --product tollway \
    && install -D "$(swift build -c release --static-swift-stdlib --show-bin-path)/tollway" /out/tollway

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends librabbitmq4 libhiredis0.14 libpq5 libsqlite3-0 \
        espeak-ng ffmpeg librsvg2-bin fonts-dejavu-core ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/tollway --create-home tollway
COPY --from=build /out/tollway /usr/local/bin/tollway
COPY deploy/policy.yml provider_costs.yml /etc/tollway/
USER tollway
# A SQLite ledger (unless TOLLWAY_LEDGER_URL names PostgreSQL) and what jobs produce; a volume keeps them.
WORKDIR /var/lib/tollway
VOLUME /var/lib/tollway
ENV TOLLWAY_POLICY=/etc/tollway/policy.yml TOLLWAY_COSTS=/etc/tollway/provider_costs.yml \
    TOLLWAY_LOG_FORMAT=json TOLLWAY_HTTP=0.0.0.0:9464 TOLLWAY_GATEWAY=0.0.0.0:8080
# Health and metrics of every role; the gateway and its console.
EXPOSE 9464 8080
# Every role answers /healthz; the image has no curl, bash can ask.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9464 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 2 line <&3 && [[ $line == *' 200 '* ]]"]
STOPSIGNAL SIGTERM
CMD ["tollway", "worker"]
