# One build, one image per service:
#   docker build --target gateway -t weir-gateway .
#   docker build --target subgraph --build-arg NAME=products -t weir-products .

FROM node:24-alpine AS build
WORKDIR /weir
COPY package.json package-lock.json ./
COPY packing/package.json ./packing/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY bundle.mjs setup.mjs tsconfig.json tsconfig.build.json ./
COPY cli ./cli
COPY console ./console
COPY docs/console.md ./docs/
COPY gateway ./gateway
COPY kit ./kit
COPY optional-packages ./optional-packages
COPY schema ./schema
COPY subgraphs ./subgraphs
RUN node setup.mjs
# Removes packages of the build and of development, and keeps the optional packages of all options in the versions of the lock
# file. Those of @apollo/gateway take 79 MB, and no option needs them.
# hadolint ignore=SC2046
RUN npm pkg delete workspaces && npm install --save-prod --omit=dev --ignore-scripts --no-audit --no-fund $(node -p "const { packages } = require('./package-lock.json'); Object.keys(require('./package.json').peerDependencies).filter((name) => name !== '@apollo/gateway').map((name) => name + '@' + packages['node_modules/' + name].version).join(' ')")

FROM node:24-alpine AS runtime
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /weir
COPY --from=build /weir/package.json ./
COPY --from=build /weir/node_modules ./node_modules
# The user `node`, by number: Kubernetes checks that it is not root.
USER 1000:1000
STOPSIGNAL SIGTERM

FROM runtime AS gateway
COPY --from=build /weir/dist/cli ./dist/cli
COPY --from=build /weir/dist/console ./dist/console
COPY --from=build /weir/dist/gateway ./dist/gateway
COPY --from=build /weir/dist/optional-packages ./dist/optional-packages
COPY --from=build /weir/dist/schema ./dist/schema
COPY schema/supergraph.graphql ./schema/
# What V8 compiles is kept in the image, so that containers start in less time.
RUN node dist/cli/main.js gateway --check --supergraph schema/supergraph.graphql
EXPOSE 4000
# Whatever port, certificate or options it has. With `tls.clientCa` the check has no certificate: replace it there.
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=5 \
  CMD ["node", "--no-warnings", "-e", "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; fetch(new URL('/health/ready', require('fs').readFileSync('/dev/shm/weir.url', 'utf8'))).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/cli/main.js", "gateway", "--url-file", "/dev/shm/weir.url"]
CMD ["--supergraph", "schema/supergraph.graphql", "--host", "0.0.0.0"]

FROM runtime AS subgraph
ARG NAME
ENV SUBGRAPH=${NAME} PORT=4001
COPY --from=build /weir/dist/kit ./dist/kit
COPY --from=build /weir/dist/optional-packages ./dist/optional-packages
COPY --from=build /weir/dist/subgraphs/${NAME} ./dist/subgraphs/${NAME}
EXPOSE 4001
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=5 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The shell is replaced by node, which therefore receives SIGTERM itself.
CMD ["sh", "-c", "exec node dist/subgraphs/$SUBGRAPH/index.js"]
