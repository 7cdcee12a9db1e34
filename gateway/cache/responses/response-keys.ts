import { hash } from 'node:crypto';
import type { KeyHeaders } from '../key-headers';
import type { Identity } from '../../auth/identity';
import type { IncomingRequest } from '../../request/incoming-request';

/** The cache keys of an answer: one if everybody may share it, one if only its client may have it. */
export interface ResponseKeys {
  readonly supergraph: string;
  /** Whether the query is within the limits of a client. */
  readonly isFor: (identity: Identity) => boolean;
  /** The common prefix of the keys; undefined if other clients get another variant of the operation. */
  readonly base: string | undefined;
  /** For caches between gateway and clients. The variant in the keys has it, too. @default nothing */
  readonly outside?: { readonly vary: readonly string[]; readonly isPrivate: boolean } | undefined;
  readonly public: string;
  readonly private: string;
}

type KeySource = Pick<IncomingRequest, 'headers' | 'scope' | 'identity'> &
  Partial<Pick<IncomingRequest, 'added' | 'bySubgraph'>>;

/** The part of the key that depends only on operation and variables. */
export function baseKey(operationId: string, variables: string, variant = ''): string {
  return `response:${operationId}:${variables === '{}' && variant === '' ? '' : digest(`${variant}\n${variables}`)}`;
}

export function publicKey(base: string, request: KeySource, keyHeaders: KeyHeaders): string {
  const scope = keyHeaders.publicScope(request);
  return scope === '' ? base : `${base}:${digest(scope)}`;
}

/** The key of a private answer. It contains all forwarded headers and the authenticated identity. */
export function privateKey(base: string, { scope, identity }: KeySource): string {
  return `${base}:private:${digest(`${identity.scope}\n\n${scope}`)}`;
}

/** 192 bits. */
export const digest = (text: string): string => hash('sha256', text, 'base64url').slice(0, 32);

/** JSON that is the same for equal values: fields are sorted. Undefined if the value is nested too deeply. */
export function canonicalJson(value: unknown): string | undefined {
  try {
    return write(value);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function write(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  const fields = Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${write(field)}`);
  return `{${fields.join(',')}}`;
}
