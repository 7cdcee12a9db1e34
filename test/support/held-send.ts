import { bodyOf } from '../../gateway/subgraph-calls/wire/request-body';
import type {
  Send,
  SubgraphRequest,
  SubgraphResponse,
  TransportError,
} from '../../gateway/subgraph-calls/contract/transport';
import type { Json } from './running-gateway';

/** A call that waits until the test settles it. */
export interface HeldCall {
  readonly request: SubgraphRequest;
  /** What would be sent. */
  readonly body: Json;
  readonly answer: (body: unknown, more?: Partial<SubgraphResponse>) => void;
  readonly fail: (error: TransportError) => void;
}

/** A subgraph whose calls the test settles. */
export function holdCalls(): { readonly send: Send; readonly calls: HeldCall[] } {
  const calls: HeldCall[] = [];
  const send: Send = (request) =>
    new Promise((resolve, reject) => {
      calls.push({
        request,
        body: JSON.parse(bodyOf(request).toString()),
        answer: (body, more) =>
          resolve({
            status: 200,
            headers: {},
            body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
            ...more,
          }),
        fail: reject,
      });
    });
  return { send, calls };
}

/** The body of an answer. */
export const answerOf = async (call: Promise<SubgraphResponse>): Promise<Json> =>
  JSON.parse((await call).body.toString());
