// `node -r THIS file`: the process kills itself at its DIE_AT-th request or answer, of DynamoDB or of another service,
// that comes after the signal SIGUSR2. Without DIE_AT it lives.
const http = require('node:http');

const at = Number(process.env.DIE_AT);
let isCounting = false;
let points = 0;
process.on('SIGUSR2', () => (isCounting = true));

function pass() {
  if (isCounting && ++points === at) process.kill(process.pid, 'SIGKILL');
}

const { request } = http;
http.request = function (...args) {
  pass();
  return request.apply(this, args).once('response', pass);
};

const { fetch } = globalThis;
globalThis.fetch = async (...args) => {
  pass();
  const response = await fetch(...args);
  pass();
  return response;
};
