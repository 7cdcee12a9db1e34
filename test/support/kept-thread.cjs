/** A thread that plans for one gateway after the other: see kept-threads.cjs. */
const { dirname, join } = require('node:path');
const { parentPort } = require('node:worker_threads');
const { readBundle } = require('./worker-bundle.cjs');

const source = join(__dirname, '../../gateway/planning/worker.ts');
const requireFor = (name) => (name === 'node:worker_threads' ? { parentPort: null } : require(name));
const planning = { exports: {} };
readBundle(source)(planning.exports, requireFor, planning, source, dirname(source));

parentPort.on('message', ({ port, workerData }) => planning.exports.serve(workerData, port));
