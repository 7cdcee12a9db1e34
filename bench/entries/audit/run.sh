#!/bin/sh
# Runs Weir with the supergraph of a test suite, which the audit serves: `./run.sh SUITE`.
set -eu
exec package/node_modules/.bin/weir gateway --config weir.yaml --supergraph "${AUDIT_URL:-http://localhost:4200}/$1/supergraph"
