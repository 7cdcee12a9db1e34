import Fastify from 'fastify';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { type EventLog } from '../../../../../kit/events/log/event-log';
import { watchLog } from '../../../../../kit/events/log/log-watch';
import { serveEvents } from '../../../../../kit/events/log/serve-events';
import { eventOf } from '../../../../support/event-logs';
import { readEvents } from '../../../../support/event-reader';
import { collectGarbage } from '../../../../support/heap';

const closing: (() => unknown)[] = [];
afterEach(() => Promise.all(closing.splice(0).map((close) => close())));

/** Serves a log whose pages come from `readAll`. */
async function serve(
  readAll: EventLog['readAll'],
  { patience = 30_000, heartbeat = 12_000, pollMilliseconds = 1000 } = {},
) {
  const lines: string[] = [];
  const app = Fastify({
    logger: { level: 'warn', stream: { write: (line: string) => void lines.push(line) } },
  });
  const eventLog = { readAll, head: () => Promise.resolve('0') } as EventLog;
  const draining = new AbortController();
  serveEvents(app, {
    ...{
      eventLog,
      watch: watchLog(eventLog, { pollMilliseconds }),
      prepared: Promise.resolve(),
      patience,
      heartbeat,
    },
    ...{ draining: draining.signal, check: undefined },
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  closing.push(() => {
    draining.abort();
    app.server.closeAllConnections();
    return app.close();
  });
  const { port } = app.server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}`, lines };
}

describe('serveEvents', () => {
  it('reads on only as a reader takes, and cuts off one that takes nothing', async () => {
    let pages = 0;
    const page = Array.from({ length: 20 }, (_, i) => ({
      position: String(i),
      event: eventOf('s', 'a', i + 1, { data: 'x'.repeat(100_000) }),
    }));
    const { port, lines } = await serve(
      () => {
        pages++;
        return Promise.resolve(page);
      },
      { patience: 300 },
    );
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET /events?after= HTTP/1.1\r\nhost: a\r\n\r\n');
    socket.pause();
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(JSON.parse(lines[0]!)).toMatchObject({
      msg: 'a reader of events was cut off, as it took nothing for 300 ms',
    });
    const read = pages;
    // What the buffers of both sockets hold, of 2 MB a page.
    expect(read).toBeLessThan(15);
    socket.resume();
    await once(socket, 'close');
    expect(pages).toBe(read);
  });

  it('sends heartbeats, also after garbage was collected', async () => {
    const { url } = await serve(() => Promise.resolve([]), { heartbeat: 500, pollMilliseconds: 60_000 });
    const reader = await readEvents(url, '?after=');
    await reader.end();
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      collectGarbage();
    }
    await reader.end();
    reader.close();
  });

  it('ends the stream when the log fails, so that the reader comes back', async () => {
    let fails = false;
    const { url, lines } = await serve(() =>
      fails ? Promise.reject(new Error('The table is gone.')) : Promise.resolve([]),
    );
    const reader = await readEvents(url, '?after=');
    await reader.end();
    fails = true;
    const broken = await readEvents(url);
    expect(await broken.ended()).toBe('retry: 1000\n\n');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      msg: 'a reader of events was given up',
      err: { message: 'The table is gone.' },
    });
    reader.close();
  });
});
