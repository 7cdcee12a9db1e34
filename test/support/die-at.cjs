// `node -r THIS file`: the process kills itself at its DIE_AT-th request or answer, of DynamoDB or of another service,
// that comes after the signal SIGUSR2. With DIE_OF=writes it does so in place of its DIE_AT-th write to DynamoDB; with
// DIE_OF=files in place of its DIE_AT-th change of the file system; with DIE_FROM=start it counts from its start on.
// Without DIE_AT it lives.
const files = require('node:fs/promises');
const http = require('node:http');

const at = Number(process.env.DIE_AT);
const countsFiles = process.env.DIE_OF === 'files';
const countsWrites = process.env.DIE_OF === 'writes';
let isCounting = process.env.DIE_FROM === 'start';
let points = 0;
process.on('SIGUSR2', () => {
  isCounting = true;
  process.stdout.write('counting\n');
});

function pass() {
  if (isCounting && ++points === at) process.kill(process.pid, 'SIGKILL');
}

for (const method of ['mkdir', 'open', 'link', 'rename', 'rm', 'rmdir', 'truncate']) {
  const original = files[method];
  files[method] = function (...args) {
    if (countsFiles) pass();
    return original.apply(this, args);
  };
}

const { request } = http;
http.request = function (...args) {
  if (countsFiles) return request.apply(this, args);
  if (!countsWrites) {
    pass();
    return request.apply(this, args).once('response', pass);
  }
  const target = args[0]?.headers?.['x-amz-target'] ?? '';
  if (/(Put|Update|Delete|Write)Item$|(Create|Delete)Table$/.test(target)) pass();
  return request.apply(this, args);
};

const { fetch } = globalThis;
globalThis.fetch = async (...args) => {
  if (countsWrites || countsFiles) return fetch(...args);
  pass();
  const response = await fetch(...args);
  pass();
  return response;
};
