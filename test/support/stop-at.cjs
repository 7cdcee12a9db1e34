// `node -r THIS file`: from the signal SIGUSR2 on, all that belongs to a request with the id `stop-N-…` stops in front of
// its Nth call of DynamoDB or of another service, and says `stopped ID`. `stop-0-…` says `passed ID` at each call. What
// belongs to no request stops with the first that does: otherwise the process would take its own executions over. SIGHUP
// lets all go on. Each signal is confirmed by `armed` or `disarmed`, as two signals may come in any order.
const { AsyncLocalStorage } = require('node:async_hooks');
const http = require('node:http');
const net = require('node:net');
const { Duplex } = require('node:stream');

const current = new AsyncLocalStorage();
const counted = new Map();
let isArmed = false;
let hasStopped = false;
let release = () => undefined;
let released;
process.on('SIGUSR2', () => {
  isArmed = true;
  hasStopped = false;
  released = new Promise((resolve) => (release = resolve));
  process.stdout.write('armed\n');
});
process.on('SIGHUP', () => {
  isArmed = false;
  release();
  process.stdout.write('disarmed\n');
});

const { emit } = http.Server.prototype;
http.Server.prototype.emit = function (event, request, ...rest) {
  const id = event === 'request' ? request.headers['x-request-id'] : undefined;
  const [, at] = /^stop-(\d+)-/.exec(id ?? '') ?? [];
  if (event !== 'request') return emit.call(this, event, request, ...rest);
  if (!counted.has(id)) counted.set(id, { id, at: Number(at ?? Infinity), count: 0 });
  const own = counted.get(id);
  // Its body is read by listeners, which have the context of whoever emits.
  const emitOfRequest = request.emit;
  request.emit = (...args) => current.run(own, () => emitOfRequest.apply(request, args));
  return current.run(own, () => emit.call(this, event, request, ...rest));
};

function stops() {
  if (!isArmed) return false;
  const own = current.getStore();
  if (own === undefined) return hasStopped;
  own.count++;
  if (own.at === 0) process.stdout.write(`passed ${own.id}\n`);
  if (own.at === 0 || own.count < own.at) return false;
  hasStopped = true;
  if (own.count === own.at) process.stdout.write(`stopped ${own.id}\n`);
  return true;
}

/** Looks like a connection; nothing is sent before the release, nor after whoever sends has given up. */
class HeldConnection extends Duplex {
  constructor(to) {
    super({ read() {} });
    const socket = released.then(() => {
      if (this.destroyed) return undefined;
      const opened = net.connect(to);
      opened.on('data', (chunk) => this.push(chunk)).on('end', () => this.push(null));
      return opened.on('error', (error) => this.destroy(error));
    });
    this._write = (chunk, encoding, done) =>
      void socket.then((opened) => opened?.write(chunk, encoding, done));
  }
}
for (const name of ['setKeepAlive', 'setNoDelay', 'setTimeout', 'ref', 'unref'])
  HeldConnection.prototype[name] = function () {
    return this;
  };

const { request } = http;
http.request = function (options, ...rest) {
  if (!stops()) return request.call(this, options, ...rest);
  const createConnection = (to) => new HeldConnection(to);
  return request.call(this, { ...options, agent: undefined, createConnection }, ...rest);
};

const { fetch } = globalThis;
globalThis.fetch = async (...args) => {
  if (stops()) await released;
  return fetch(...args);
};
