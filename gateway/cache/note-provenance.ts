import { isStorable, noStore, parseCacheControl, type Policy } from './policy';
import { follow } from '../subgraph-calls/contract/pending-answer';
import { isShareable } from '../subgraph-calls/sharing/shareable';
import type { Interceptor, SubgraphRequest, SubgraphResponse } from '../subgraph-calls/contract/transport';

export interface NoteProvenanceOptions {
  readonly policyOf: (response: SubgraphResponse) => Policy;
  /** Tags of every outcome of a call, also of a failure. */
  readonly tags: readonly string[];
  readonly tagsOf: (request: SubgraphRequest, response: SubgraphResponse) => Iterable<string>;
}

/** Notes cache policy and tags of every response for the answer's own. Counts the responses that may be cached. */
export function noteProvenance({ policyOf, tags, tagsOf }: NoteProvenanceOptions): Interceptor {
  const answered = (response: SubgraphResponse, request: SubgraphRequest): SubgraphResponse => {
    const { provenance, span } = request.caller;
    const policy = response.policy ?? policyOf(response);
    const isKept = isStorable(policy);
    const counts = request.operation.tally?.of(request.operation.subgraph);
    if (counts !== undefined) {
      counts.answers++;
      if (isKept) counts.storable++;
    }
    provenance.add(policy, tags);
    if (span !== undefined && !isKept) span.set('weir.cache.refused', whyNotKept(response));
    if (response.tags !== undefined) provenance.tag(response.tags);
    else if (isKept) provenance.tag(tagsOf(request, response));
    provenance.date(response);
    if (!isShareable(response)) provenance.isShareable = false;
    return response;
  };
  const failed = (error: unknown, { caller }: SubgraphRequest): never => {
    caller.provenance.add(noStore, tags);
    throw error;
  };
  return (next) => (request) => follow(next(request), request, answered, failed);
}

function whyNotKept(response: SubgraphResponse): string {
  const { status, headers, policy } = response;
  if (status !== 200) return 'status';
  if (headers['set-cookie'] !== undefined) return 'cookie';
  if (!isShareable(response)) return 'vary';
  // Of entities, some of which may come from the cache.
  if (policy !== undefined) return 'entities';
  const header = headers['cache-control'];
  if (header === undefined) return 'unsaid';
  return refusalIn(String(header)) ?? (headers['age'] === undefined ? 'max-age' : 'age');
}

/** The directive of a `Cache-Control` that forbids it. */
function refusalIn(header: string): string | undefined {
  let refusal = knownRefusals.get(header);
  if (refusal === undefined) {
    const directives = parseCacheControl(header);
    refusal = { directive: ['no-store', 'no-cache'].find((name) => directives.has(name)) };
    // As in `policyReader`: subgraphs send few different values.
    if (knownRefusals.size >= 1_000) knownRefusals.clear();
    knownRefusals.set(header, refusal);
  }
  return refusal.directive;
}

const knownRefusals = new Map<string, { readonly directive: string | undefined }>();
