#!/bin/sh
# Runs Weir with a worker for each core that the benchmark gives it.
set -eu
exec package/node_modules/.bin/weir gateway --config weir.yaml --supergraph supergraph.graphql --workers auto >gateway_log.txt 2>&1
