import { isIPv6 } from 'node:net';
import type { Target } from '../options/targets';

/** One of the addresses at which a subgraph can be called. */
export interface Instance {
  /** The URL of its calls, with the host of the target: the name that certificates are checked for. */
  readonly url: string;
  /** The IP address to connect to. Undefined: the gateway looks up the host of `url` for each connection. */
  readonly address: string | undefined;
  /** Its zone, such as `eu-central-1a`. */
  readonly zone: string | undefined;
}

/** Gets what a resolver finds. */
export interface Watcher {
  /** All healthy instances, after each answer, changed or not. It may be empty, and hold an address twice. */
  found(instances: readonly Instance[]): void;
  /** Nobody answered, or not with a list. The resolver goes on asking. */
  failed(error: Error): void;
}

/** Finds the instances of targets of one kind. */
export interface TargetResolver {
  /** Reports a target's instances to the watcher, now and as they change, until the function that it returns is called. */
  watch(target: Target, watcher: Watcher): () => void;
}

/** The URL of an instance with its address as the host: for logs, and equal for equal instances. */
export function addressUrl({ url, address }: Pick<Instance, 'url' | 'address'>): string {
  if (address === undefined) return url;
  const shown = new URL(url);
  shown.hostname = isIPv6(address) ? `[${address}]` : address;
  return shown.href;
}
