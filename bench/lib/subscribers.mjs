/** Clients of one subscription, who compare each byte that comes and cost as little as can be. */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { subscription } from '../fixture/ticks.mjs';

/**
 * Opens `count` clients and subscribes with each.
 *
 * @param over `websocket`, `sse` or `multipart`
 * @param isOwn whether each has an `authorization` of its own; otherwise none has one
 * @param onDelivery called for each result that a client has whole
 * @returns `{ have(result), learn(first, second), expect(result), close() }`. `have` returns whether all have a result. When
 *   all have the results `first` and `second`, and nothing after them, `learn` looks at what stands between the two: from
 *   then on exactly the results that are to be expected must come, with exactly that between them. It throws for a client
 *   who does not have both.
 */
export async function openSubscribers(port, { over, count, isOwn = false, onDelivery }) {
  /** One for all sockets, as it is read at once. */
  const buffer = Buffer.allocUnsafe(256 * 1024);
  const results = [];
  const all = [];
  const open = async () => {
    const subscriber = new Subscriber(results, onDelivery);
    all.push(subscriber);
    const callback = (length) => {
      subscriber.read(buffer.subarray(0, length));
      return true;
    };
    const socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback } });
    subscriber.socket = socket;
    socket.on('close', () => {
      if (!subscriber.isLeaving) throw new Error('A connection was closed that should stay open.');
    });
    await subscribe[over](subscriber, isOwn ? `authorization: Bearer client-${all.length}\r\n` : '');
  };
  // Not more at once than a listening socket lets wait.
  for (let left = count; left > 0; left -= 100)
    await Promise.all(Array.from({ length: Math.min(100, left) }, open));
  return {
    have: (result) => all.every((each) => each.has(result)),
    learn: (first, second) => all.forEach((each) => each.learn(first, second)),
    expect: (result) => results.push(Buffer.from(result)),
    close: () => {
      for (const subscriber of all) {
        subscriber.isLeaving = true;
        subscriber.socket.destroy();
      }
    },
  };
}

class Subscriber {
  socket;
  isLeaving = false;
  #results;
  #onDelivery;
  /** What has come before `learn`. */
  #early = [];
  #onEarly;
  /** What stands between two results. */
  #between;
  /** The number of the result that comes next. */
  #next = 0;
  /** How much of it, and of what stands before it, has come. */
  #offset = 0;

  constructor(results, onDelivery) {
    this.#results = results;
    this.#onDelivery = onDelivery;
  }

  /** Resolves when this text has come. */
  seen(text) {
    return new Promise((resolve) => {
      this.#onEarly = () => {
        if (Buffer.concat(this.#early).includes(text)) resolve();
      };
    });
  }

  has(result) {
    return Buffer.concat(this.#early).includes(result);
  }

  learn(first, second) {
    const bytes = Buffer.concat(this.#early);
    const [firstAt, secondAt] = [bytes.lastIndexOf(first), bytes.lastIndexOf(second)];
    if (firstAt < 0 || secondAt < firstAt)
      throw new Error(`A client does not have two results: ${bytes.subarray(-1000)}`);
    this.#early = undefined;
    this.#between = bytes.subarray(firstAt + first.length, secondAt);
    const rest = bytes.subarray(secondAt + second.length);
    this.#offset = rest.length;
    if (!rest.equals(this.#between.subarray(0, rest.length)))
      throw new Error('What comes after a result is not what came after the one before.');
  }

  read(bytes) {
    if (this.#early !== undefined) {
      this.#early.push(Buffer.from(bytes));
      this.#onEarly?.();
      return;
    }
    for (let at = 0; at < bytes.length;) {
      const isBetween = this.#offset < this.#between.length;
      const due = isBetween ? this.#between : this.#results[this.#next];
      const from = isBetween ? this.#offset : this.#offset - this.#between.length;
      const length = Math.min(bytes.length - at, (due?.length ?? 0) - from);
      if (length <= 0 || bytes.compare(due, from, from + length, at, at + length) !== 0)
        throw new Error(`A client was sent what it should not: ${bytes.subarray(at, at + 1000)}`);
      at += length;
      this.#offset += length;
      if (isBetween || from + length < due.length) continue;
      this.#offset = 0;
      this.#next += 1;
      this.#onDelivery();
    }
  }
}

const subscribe = {
  async websocket(subscriber, headers) {
    const { socket } = subscriber;
    socket.write(
      'GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n' +
        'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n' +
        `${headers}\r\n`,
    );
    await subscriber.seen('\r\n\r\n');
    socket.write(clientFrame({ type: 'connection_init' }));
    await subscriber.seen('connection_ack');
    socket.write(clientFrame({ id: randomUUID(), type: 'subscribe', payload: subscription }));
  },
  sse: (subscriber, headers) => post(subscriber, headers, 'text/event-stream'),
  multipart: (subscriber, headers) => post(subscriber, headers, 'multipart/mixed;subscriptionSpec=1.0'),
};

async function post(subscriber, headers, accept) {
  const body = JSON.stringify(subscription);
  subscriber.socket.write(
    `POST /graphql HTTP/1.1\r\nhost: x\r\naccept: ${accept}\r\ncontent-type: application/json\r\n` +
      `content-length: ${body.length}\r\n${headers}\r\n${body}`,
  );
  await subscriber.seen('\r\n\r\n');
}

/** A text frame of a client, whose mask of zeros changes nothing (RFC 6455, section 5.3). */
export function clientFrame(message) {
  const text = Buffer.from(JSON.stringify(message));
  const length =
    text.length < 126 ? [text.length | 0x80] : [126 | 0x80, text.length >> 8, text.length & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), text]);
}
