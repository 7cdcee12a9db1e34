/**
 * `node bench/streams.mjs [--connections 500] [--sizes 300,10000] [--rounds 5] [--seconds 2]`: what does it cost to send
 * events over HTTP?
 *
 * Connections read events as fast as they come, as server-sent events and by Apollo's multipart protocol. Tells how many
 * deliveries a second of CPU time is enough for, beside bare `node:http` that writes one prepared event to each connection,
 * in the same round. The events come from the same process: subgraphs and execution are not measured. Fails when the median
 * is less than 0.7 of the limit.
 */
import { fork } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '500' },
    sizes: { type: 'string', default: '300,10000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
  },
});
const [connections, rounds, seconds] = [values.connections, values.rounds, values.seconds].map(Number);
const file = fileURLToPath(new URL('servers/streams.mjs', import.meta.url));

const heard = (server) => new Promise((resolve) => server.once('message', resolve));

/** Deliveries per second of CPU time. */
async function measure(mode, size) {
  const server = fork(file, [mode, String(connections), String(size)]);
  const sockets = [];
  try {
    const port = await heard(server);
    for (let i = 0; i < connections; i += 1) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined).on('data', () => undefined);
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      sockets.push(socket);
    }
    const read = () => {
      server.send('read');
      return heard(server);
    };
    await wait(1000);
    const before = await read();
    await wait(seconds * 1000);
    const after = await read();
    return (after.deliveries - before.deliveries) / (after.seconds - before.seconds);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.kill();
  }
}

const median = (numbers) => numbers.sort((one, other) => one - other)[Math.floor(numbers.length / 2)];

for (const size of values.sizes.split(',').map(Number)) {
  const ratios = { sse: [], multipart: [] };
  const limits = [];
  for (let round = 0; round < rounds; round += 1) {
    const limit = await measure('limit', size);
    limits.push(limit);
    for (const mode of ['sse', 'multipart']) ratios[mode].push((await measure(mode, size)) / limit);
  }
  process.stdout.write(
    `events of ${size} bytes to ${connections} connections: limit ${Math.round(median(limits))} deliveries per CPU second`,
  );
  for (const [mode, all] of Object.entries(ratios)) {
    const ratio = median(all);
    process.stdout.write(`, ${mode} ${ratio.toFixed(2)} of it`);
    if (ratio < 0.7) process.exitCode = 1;
  }
  process.stdout.write('\n');
}
