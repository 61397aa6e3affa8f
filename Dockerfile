# The program is linked statically, so that the image holds nothing else: no shell, no package to patch.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=1 go build -trimpath \
        -tags sqlite_omit_load_extension,osusergo,netgo \
        -ldflags "-s -w -linkmode external -extldflags -static -X main.version=${VERSION}" \
        -o /image/usr/local/bin/rrwatch ./cmd/rrwatch
# A static program starts without a loader; one that is not would fail only where the image runs.
RUN ! readelf -l /image/usr/local/bin/rrwatch | grep -q INTERP
RUN mkdir -p /image/etc/ssl/certs /image/etc/rrwatch /image/var/lib/rrwatch /image/tmp \
    && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && echo 'rrwatch:x:65532:65532:rrwatch:/var/lib/rrwatch:/sbin/nologin' >/image/etc/passwd \
    && echo 'rrwatch:x:65532:' >/image/etc/group \
    && chmod 1777 /image/tmp && chown 65532:65532 /image/var/lib/rrwatch

FROM scratch
COPY --from=build /image /
USER 65532:65532
WORKDIR /var/lib/rrwatch
VOLUME /var/lib/rrwatch
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["rrwatch", "healthcheck", "--config", "/etc/rrwatch/rrwatch.yaml"]
ENTRYPOINT ["rrwatch"]
CMD ["run", "--config", "/etc/rrwatch/rrwatch.yaml"]
