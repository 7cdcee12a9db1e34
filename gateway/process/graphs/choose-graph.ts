import type { GraphQLError } from 'graphql';
import { requestError } from '../../errors';
import { normalizeHost, type GraphsOptions } from '../../options/graphs';
import { isGraphName } from '../../options/supergraph';
import { matchesParts } from '../../options/wildcards';
import type { IncomingRequest } from '../../request/incoming-request';

/** What a choice depends on. */
export type Chooser = Pick<IncomingRequest, 'head' | 'identity' | 'claim'>;

/** Returns the graph of a request, or why it gets none: never the default graph instead of one that is refused. */
export type ChooseGraph = (request: Chooser) => string | GraphQLError;

/** The graphs that the options name. Clients have no influence on these, so metrics may have them. */
export const namedGraphs = ({ default: standard, choose, allow, of }: GraphsOptions): ReadonlySet<string> =>
  new Set(
    [standard, ...Object.keys(of), ...[...choose, ...allow].map(({ graph }) => graph)].filter(isGraphName),
  );

export function compileChooseGraph({ default: standard, choose, allow }: GraphsOptions): ChooseGraph {
  const choices = choose.map(compileChoice);
  const permissions = allow.map((each) => ({ ...each, parts: each.graph.split('*') }));
  const isAllowed = (name: string, { identity: { groups, client, mode } }: Chooser): boolean =>
    permissions.some(
      (each) =>
        matchesParts(name, each.parts) &&
        (each.groups === undefined || each.groups.some((group) => groups.includes(group))) &&
        (each.clients === undefined || (client !== undefined && each.clients.includes(client))) &&
        (each.modes === undefined || each.modes.includes(mode)),
    );
  return (request) => {
    for (const choice of choices) {
      const chosen = choice(request);
      if (chosen === undefined) continue;
      if (typeof chosen !== 'string' || chosen === standard || isAllowed(chosen, request)) return chosen;
      return requestError('UNKNOWN_GRAPH', {});
    }
    return standard;
  };
}

/** Undefined for a request that is not concerned. */
type Choice = (request: Chooser) => string | GraphQLError | undefined;

function compileChoice({ host, claim, header, groups = [], graph }: GraphsOptions['choose'][number]): Choice {
  const named = (value: string): string | undefined => {
    const name = graph.replace('{value}', () => value);
    return value !== '' && isGraphName(name) ? name : undefined;
  };
  if (host !== undefined) return ({ head }) => (hostOf(head) === host ? graph : undefined);
  if (claim !== undefined)
    return (request) => {
      const value = request.claim(claim);
      if (value === undefined) return undefined;
      return (
        (typeof value === 'string' ? named(value) : undefined) ??
        requestError('GRAPH_FORBIDDEN', { by: `claim "${claim}"` })
      );
    };
  return ({ head, identity }) => {
    const value = head.headers[header!];
    if (value === undefined) return undefined;
    // Node joins headers that are sent twice with a comma, which no name has.
    const name = typeof value === 'string' ? named(value) : undefined;
    if (name === undefined)
      return requestError('BAD_REQUEST', {
        reason: `The header "${header}" must be sent once, with the name of a graph.`,
      });
    return groups.some((group) => identity.groups.includes(group))
      ? name
      : requestError('GRAPH_FORBIDDEN', { by: `header "${header}"` });
  };
}

/**
 * Without a port, as the options have it. Over HTTP/2 it is the authority (RFC 9113, section 8.3.1). A URL in absolute form
 * counts instead of the header `host` (RFC 9112, section 3.2.2).
 */
function hostOf({ url, headers: { ':authority': authority, host = '' } }: Chooser['head']): string {
  const absolute = !url.startsWith('/') && URL.canParse(url) ? new URL(url).host : undefined;
  const called = absolute ?? (typeof authority === 'string' ? authority : host);
  return normalizeHost(called.replace(/:\d{0,5}$/, ''));
}
