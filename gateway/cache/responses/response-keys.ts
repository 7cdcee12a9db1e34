import { hash } from 'node:crypto';
import type { KeyHeaders } from '../key-headers';
import type { Identity } from '../../auth/identity';
import type { IncomingRequest } from '../../request/incoming-request';

/** Under which keys the answer to a request is kept: if everybody may have it, and if only its client may. */
export interface ResponseKeys {
  /** Names the supergraph. */
  readonly supergraph: string;
  /** Whether somebody may ask for so much. */
  readonly isFor: (identity: Identity) => boolean;
  /** What they begin with; undefined where the operation is another one for others. */
  readonly base: string | undefined;
  readonly public: string;
  readonly private: string;
}

type Asker = Pick<IncomingRequest, 'headers' | 'scope' | 'identity'> &
  Partial<Pick<IncomingRequest, 'added'>>;

/** What is the same for all who ask for an operation with these variables. */
export function baseKey(operationId: string, variables: string, variant = ''): string {
  return `response:${operationId}:${variables === '{}' && variant === '' ? '' : digest(`${variant}\n${variables}`)}`;
}

export function publicKey(base: string, request: Asker, keyHeaders: KeyHeaders): string {
  const scope = keyHeaders.publicScope(request);
  return scope === '' ? base : `${base}:${digest(scope)}`;
}

/** All forwarded headers are in it, and whom the gateway itself takes the client for. */
export function privateKey(base: string, { scope, identity }: Asker): string {
  return `${base}:private:${digest(`${identity.scope}\n\n${scope}`)}`;
}

/** 192 bits. */
export const digest = (text: string): string => hash('sha256', text, 'base64url').slice(0, 32);

/** JSON that is the same for equal values: fields are sorted. Undefined for what is nested too deeply to be written. */
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
