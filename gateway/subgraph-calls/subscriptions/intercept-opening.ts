import { sourceOf } from '../contract/source';
import {
  compose,
  type Interceptor,
  type SubgraphEvent,
  type SubgraphRequest,
  TransportError,
} from '../contract/transport';
import type { OpenEvents, OpenedSubscription } from './resume';

/**
 * Puts interceptors around the opening of subscriptions. They see it as a call whose response is empty: events do not pass
 * them. What one of them answers without a call is the one event.
 */
export function interceptOpening(open: OpenEvents, interceptors: readonly Interceptor[]): OpenEvents {
  if (interceptors.length === 0) return open;
  const send = compose(async (request) => {
    const { opening } = request as OpeningRequest;
    // An interceptor made it of nothing.
    if (opening === undefined) throw new TransportError(request.operation.subgraph, 'unsendable');
    opening.opened?.source.close();
    opening.opened = await open(request);
    return { status: opening.opened.status, headers: {}, body: empty };
  }, interceptors);
  return async (request) => {
    const opening: Opening = {};
    const opened: OpeningRequest = { ...request, opening };
    try {
      const response = await send(opened);
      return opening.opened ?? { status: response.status, source: sourceOf<SubgraphEvent>(response) };
    } catch (error) {
      opening.opened?.source.close();
      throw error;
    }
  };
}

const empty = Buffer.alloc(0);

interface Opening {
  opened?: OpenedSubscription;
}

/** Interceptors hand it on with what they change. */
interface OpeningRequest extends SubgraphRequest {
  readonly opening?: Opening | undefined;
}
