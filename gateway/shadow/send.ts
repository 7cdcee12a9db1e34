import { fetchOutgoing } from '../net/outgoing';
import { timeLimit } from '../net/time-limit';
import type { ShadowOptions } from '../options/shadow';
import type { EndpointAnswer } from '../replay/compare';

/** A query as the shadow gets it. */
export interface ShadowQuery {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  /** Those that the options name. */
  readonly headers: Readonly<Record<string, string>>;
}

export const failures = ['unreachable', 'timeout', 'too-large'] as const;

/** Why there is no answer. */
export class ShadowFailure extends Error {
  override readonly name = 'ShadowFailure';

  constructor(
    readonly reason: (typeof failures)[number],
    message: string,
  ) {
    super(message);
  }
}

/** Resolves with the answer; rejects with a {@link ShadowFailure}, also when the signal is aborted. */
export type SendToShadow = (query: ShadowQuery, signal: AbortSignal) => Promise<EndpointAnswer>;

/** The header of each query that is sent: one that has it is never sent on, so that gateways cannot shadow each other. */
export const shadowHeader = 'weir-shadow';

export function shadowSender({ url, timeout, longest, headers: { set } }: ShadowOptions): SendToShadow {
  const own = {
    'content-type': 'application/json',
    accept: 'application/json',
    // Packed, a small answer could become a large one.
    'accept-encoding': 'identity',
    'user-agent': 'weir',
    [shadowHeader]: '1',
  };
  return async ({ headers, ...body }, signal) => {
    const limit = timeLimit(timeout);
    try {
      const response = await fetchOutgoing(url, {
        ...{ method: 'POST', redirect: 'manual', body: JSON.stringify(body) },
        headers: { ...headers, ...set, ...own },
        signal: AbortSignal.any([signal, limit]),
      });
      return { status: response.status, body: await readUpTo(longest, response) };
    } catch (error) {
      if (error instanceof ShadowFailure) throw error;
      if (limit.aborted) throw new ShadowFailure('timeout', `no answer within ${timeout} ms`);
      throw new ShadowFailure('unreachable', reasonOf(error as Error));
    }
  };
}

async function readUpTo(longest: number, response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the rest.
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size > longest) throw new ShadowFailure('too-large', `an answer of more than ${longest} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

/** The code alone: messages may have what an endpoint has sent. */
function reasonOf({ cause, name }: Error): string {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  return code ?? name;
}
