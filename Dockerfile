# The image holds static programs and nothing else: no shell, no package manager.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/ ./cmd/rowlink ./internal/shop/shopseed \
 && mkdir /out/work

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /zoneinfo.zip
COPY --from=build /out/rowlink /out/shopseed /
COPY internal/shop/tasks/ /tasks/
# A named volume mounted here starts with this owner.
COPY --from=build --chown=65532:65532 /out/work /work
ENV ZONEINFO=/zoneinfo.zip
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/rowlink"]
