import { SubgraphError, type RequestScope } from '../kit';
import { type OrderLine } from './table';

/** The calls to the subgraph inventory. Both are idempotent. */
export interface Inventory {
  /** Throws `OUT_OF_STOCK` if not all lines are in stock, and `UNAVAILABLE` if inventory does not answer. */
  reserve(orderId: string, lines: readonly OrderLine[]): Promise<void>;
  release(orderId: string): Promise<void>;
}

export interface InventoryOptions {
  /** URL of inventory's GraphQL endpoint. It is called directly, as clients must not send these mutations. */
  readonly url: string;
  /** Headers of each call: request id and trace context. */
  readonly headers: Readonly<Record<string, string>>;
  /** Signs the calls for inventory's private link. */
  readonly sign: RequestScope['sign'];
  /** Timeout of a call, in milliseconds. @default 5000 */
  readonly timeout?: number;
}

export function connectInventory({ url, headers, sign, timeout = 5000 }: InventoryOptions): Inventory {
  async function mutate(query: string, variables: object): Promise<void> {
    const body = JSON.stringify({ query, variables });
    let answer: Answer;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...headers, ...sign('inventory', body), 'content-type': 'application/json' },
        body,
        // The client's abort signal is not used: a client that disconnects has still placed the order.
        signal: AbortSignal.timeout(timeout),
      });
      answer = (await response.json()) as Answer;
    } catch (error) {
      throw noAnswer(error);
    }
    if (answer.errors?.[0]) throw toError(answer.errors[0]);
    if (!answer.data) throw noAnswer(answer);
  }

  return {
    reserve: (orderId, lines) =>
      mutate(
        'mutation Reserve($orderId: ID!, $lines: [StockLineInput!]!) { reserveStock(orderId: $orderId, lines: $lines) { held } }',
        { orderId, lines },
      ),
    release: (orderId) =>
      mutate('mutation Release($orderId: ID!) { releaseStock(orderId: $orderId) { held } }', { orderId }),
  };
}

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly AnswerError[];
}
interface AnswerError {
  readonly message: string;
  readonly extensions?: { readonly code?: string; readonly upc?: string };
}

/** The error for the buyer. Errors that the buyer can fix keep their code; all others become `UNAVAILABLE`. */
function toError(error: AnswerError): SubgraphError {
  const { code, upc } = error.extensions ?? {};
  if (code === 'OUT_OF_STOCK') return new SubgraphError(code, error.message, { upc });
  if (code === 'CONFLICT') return new SubgraphError(code, error.message);
  return noAnswer(error);
}

function noAnswer(cause: unknown): SubgraphError {
  return new SubgraphError('UNAVAILABLE', 'The stock cannot be set aside at this moment.', {}, cause);
}
