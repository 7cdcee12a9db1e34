#!/bin/sh
# Installs Weir in the folder `package` beside this file: a folder with a package.json is no place for `npm start`.
set -eu
npm install --prefix package --no-audit --no-fund --loglevel=error "$PWD/weir.tgz"
