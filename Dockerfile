# One static program in an empty image: no shell, no package manager, no root, nothing to write to.
#
#   docker build -t upline .
#   docker run --rm -p 8080:8080 --read-only -v upline:/data -e UPLINE_DATA=/data upline
#
# Its screens are built by Node, the program by Go; neither is in the result.

FROM node:22-bookworm-slim AS screens
WORKDIR /src
COPY shopify-app/package.json shopify-app/package-lock.json shopify-app/
COPY shopify-app/ui shopify-app/ui
COPY shopify-app/admin shopify-app/admin
COPY shopify-app/extensions shopify-app/extensions
COPY server/web server/web
RUN npm ci --prefix shopify-app --no-audit --no-fund \
 && npm run --prefix shopify-app --silent build --workspace admin

FROM golang:1.26-bookworm AS program
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY core core
COPY adapters adapters
COPY server server
COPY --from=screens /src/server/web/dist server/web/dist
ARG VERSION=unknown
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-X main.version=$VERSION" -o /out/upline ./server/cmd/upline \
 && mkdir -m 700 /out/data

FROM scratch
COPY --from=program /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=program /out/upline /upline
COPY --from=program --chown=65532:65532 /out/data /data
USER 65532:65532
ENV UPLINE_ADDR=:8080 UPLINE_DATA=/data UPLINE_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/upline"]
CMD ["serve"]
