/**
 * Response bytes on their way through Apollo Server, which only knows results as objects.
 *
 * The `data` that it is given is a Proxy: plugins see ordinary data in it, parsed when they first look;
 * when nobody looked, the bytes reach the socket as the engine wrote them. It has to be the `data` object
 * itself that is lazy, because Apollo Server copies results with `{...result}`, which fires a getter.
 */
import type { Execution } from './execution';

interface Held {
  /** UTF-8 JSON of the response's `data`. */
  readonly bytes: Buffer;
  /** The bytes of a response that is nothing but this data. */
  readonly response: Buffer | undefined;
  parsed: object | undefined;
}

const heldBy = new WeakMap<object, Held>();

/**
 * Wraps the JSON object in `bytes` as an object that is parsed when it is first looked at. `response` is what is sent
 * when nothing is added to it, `{"data":…}` with these bytes in it, so that they need not be copied.
 */
export function lazyData(bytes: Buffer, response?: Buffer): Record<string, unknown> {
  const held: Held = { bytes, response, parsed: undefined };
  const data = new Proxy({}, new Materialising(held)) as Record<string, unknown>;
  heldBy.set(data, held);
  return data;
}

/** The `data` of an execution, for Apollo Server. */
export function dataOf({ body, data, errors }: Execution): Record<string, unknown> | null {
  const isNull = data.length === 4 && data[0] === 0x6e;
  return isNull ? null : lazyData(data, errors.length === 0 ? body : undefined);
}

/**
 * Writes an execution result as JSON: the `stringifyResult` of Apollo Server.
 *
 * Returns a Buffer where `data` still stands for bytes. Data that a plugin changed is written as changed.
 */
export function stringifyResult(result: object): string | Buffer {
  const { errors, data, extensions } = result as { errors?: unknown; data?: unknown; extensions?: unknown };
  const held = typeof data === 'object' && data !== null ? heldBy.get(data) : undefined;
  if (held === undefined) return JSON.stringify({ errors, data, extensions });
  const isUntouched = held.parsed === undefined && errors === undefined && extensions === undefined;
  if (isUntouched && held.response !== undefined) return held.response;
  const before = errors === undefined ? dataOnly : Buffer.from(`{"errors":${JSON.stringify(errors)},"data":`);
  const after = extensions === undefined ? end : Buffer.from(`,"extensions":${JSON.stringify(extensions)}}`);
  return Buffer.concat([before, currentBytes(held), after]);
}

const dataOnly = Buffer.from('{"data":');
const end = Buffer.from('}');

/** The bytes as they came unless a plugin changed what it was shown: reading must not cost a big number its digits. */
function currentBytes({ bytes, parsed }: Held): Buffer {
  if (parsed === undefined) return bytes;
  const current = JSON.stringify(parsed);
  return current === JSON.stringify(JSON.parse(bytes.toString())) ? bytes : Buffer.from(current);
}

/** Forwards every operation to the parsed data. The Proxy's own target stays empty and extensible. */
class Materialising implements ProxyHandler<object> {
  readonly #held: Held;

  constructor(held: Held) {
    this.#held = held;
  }

  get #data(): object {
    return (this.#held.parsed ??= JSON.parse(this.#held.bytes.toString()) as object);
  }

  get(_target: object, key: PropertyKey): unknown {
    return Reflect.get(this.#data, key);
  }

  set(_target: object, key: PropertyKey, value: unknown): boolean {
    return Reflect.set(this.#data, key, value);
  }

  has(_target: object, key: PropertyKey): boolean {
    return Reflect.has(this.#data, key);
  }

  deleteProperty(_target: object, key: PropertyKey): boolean {
    return Reflect.deleteProperty(this.#data, key);
  }

  ownKeys(): (string | symbol)[] {
    return Reflect.ownKeys(this.#data);
  }

  getOwnPropertyDescriptor(_target: object, key: PropertyKey): PropertyDescriptor | undefined {
    return Reflect.getOwnPropertyDescriptor(this.#data, key);
  }

  defineProperty(_target: object, key: PropertyKey, descriptor: PropertyDescriptor): boolean {
    // A property that is not configurable would have to exist on the empty target too.
    return Reflect.defineProperty(this.#data, key, { ...descriptor, configurable: true });
  }
}
