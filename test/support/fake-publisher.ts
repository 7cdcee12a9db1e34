import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type DomainEvent } from '../../kit/events/event';

/** A publisher's `GET /events`, without its outbox and log: what is pushed is in the log. */
export async function startFakePublisher() {
  const log: { readonly type: string; readonly text: string }[] = [];
  const changes = new EventEmitter().setMaxListeners(0);
  const requests: { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders }[] =
    [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method!, url: request.url!, headers: request.headers });
    const { searchParams } = new URL(request.url!, 'http://localhost');
    const types = searchParams.get('types')?.split(',');
    let next = Number(searchParams.get('after') ?? '');
    if (next > log.length) {
      response.writeHead(410).end();
      return;
    }
    const left = new AbortController();
    response.once('close', () => left.abort());
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    void (async () => {
      while (!left.signal.aborted) {
        for (const { type, text } of log.slice(next)) {
          next++;
          if (types?.includes(type) !== false || type === '*')
            response.write(`id: ${next}\ndata: ${text}\n\n`);
        }
        response.write(`: end ${next}\n\n`);
        if (next === log.length) await once(changes, 'change', left).catch(() => undefined);
      }
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    /** What was asked. */
    requests,
    push(...events: readonly DomainEvent[]): void {
      for (const event of events) log.push({ type: event.type, text: JSON.stringify(event) });
      changes.emit('change');
    },
    /** Whatever a publisher with a defect may send. */
    pushText(text: string): void {
      log.push({ type: '*', text });
      changes.emit('change');
    },
    /** Breaks all connections; they are made again. */
    disconnect: () => server.closeAllConnections(),
    async stop(): Promise<void> {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
