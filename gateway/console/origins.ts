import type { AddressInfo } from 'node:net';
import type { Options } from '../options';

/**
 * The origins at which browsers open the console, which may frame GraphiQL. None if there is no console, or if its port is
 * not known here, as in a worker whose primary has chosen a free one. An IPv6 address is left out: a content security policy
 * cannot name it.
 */
export class ConsoleOrigins {
  readonly #admin: Options['admin'];
  #port: number;

  constructor(admin: Options['admin']) {
    this.#admin = admin;
    this.#port = admin.port;
  }

  /** To be called with the address of the port for operators, where this process listens at it. */
  listensAt(address: AddressInfo | string | null): void {
    if (typeof address === 'object' && address !== null) this.#port = address.port;
  }

  get all(): readonly string[] {
    const { host, console } = this.#admin;
    if (!console.enabled || this.#port === 0) return [];
    const others = host === '0.0.0.0' || host.includes(':') ? [] : [host];
    const hosts = new Set(['127.0.0.1', 'localhost', ...others]);
    return Array.from(hosts, (each) => `http://${each}:${this.#port}`);
  }
}
