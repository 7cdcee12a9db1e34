import { SubgraphError, type RequestScope } from '../kit';
import { type OrderLine } from './table';

/** What orders wants of the subgraph inventory. Both may be repeated. */
export interface Inventory {
  /** Throws `OUT_OF_STOCK` when not everything is there, `UNAVAILABLE` when inventory does not say. */
  reserve(orderId: string, lines: readonly OrderLine[]): Promise<void>;
  release(orderId: string): Promise<void>;
}

export interface InventoryOptions {
  /** Of inventory's GraphQL endpoint: it is called directly, as these mutations are not for clients. */
  readonly url: string;
  /** Sent along: request id and trace context. */
  readonly headers: Readonly<Record<string, string>>;
  /** Signs what is sent, as inventory wants it. */
  readonly sign: RequestScope['sign'];
  /** How long an answer may take, in milliseconds. @default 5000 */
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
        // Not the caller's signal: whoever hangs up has asked for the order all the same.
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

/** What the buyer can do something about is passed on; of everything else, only that it did not work. */
function toError(error: AnswerError): SubgraphError {
  const { code, upc } = error.extensions ?? {};
  if (code === 'OUT_OF_STOCK') return new SubgraphError(code, error.message, { upc });
  if (code === 'CONFLICT') return new SubgraphError(code, error.message);
  return noAnswer(error);
}

function noAnswer(cause: unknown): SubgraphError {
  return new SubgraphError('UNAVAILABLE', 'The stock cannot be set aside at this moment.', {}, cause);
}
