#!/bin/sh
# Runs Weir with the supergraph of a test suite, which has to be served: `./run.sh SUITE`.
set -eu
npm start supergraph -- --cwd ./gateways/weir --test "$1"
exec package/node_modules/.bin/weir gateway --config weir.yaml --supergraph supergraph.graphql
