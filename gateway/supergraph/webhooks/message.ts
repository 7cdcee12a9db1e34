import { createHash } from 'node:crypto';
import type { Problem } from '../../../schema/composition/problem';
import type { Version } from '../../../schema/registry/version';

/** What a webhook gets: an event and its id, the same at each attempt. */
export interface WebhookMessage {
  readonly id: string;
  /** JSON. */
  readonly body: string;
}

/**
 * The event of a version, as docs/webhooks.md describes it. A body is of at most 40 KB, whatever was published.
 *
 * @param graph such as `shop@prod`
 * @param errors why a rejected version does not compose
 */
export function webhookMessage(graph: string, version: Version, errors: readonly Problem[]): WebhookMessage {
  const { number, kind, at, by, commit, changes, restores, contract } = version;
  const changed = Object.entries(changes);
  const body = JSON.stringify({
    type: `version.${kind.replace('-', '_')}`,
    timestamp: at,
    data: {
      ...{ format, graph, version: number, by: cut(by, 200) },
      ...(commit === undefined ? {} : { commit: cut(commit, 200) }),
      changes: Object.fromEntries(changed.slice(0, mostChanges)),
      changeCount: changed.length,
      ...(restores === undefined ? {} : { restores }),
      ...(contract === undefined ? {} : { contract: { of: contract.of, version: contract.version } }),
      ...(kind === 'rejected' && {
        errors: errors
          .slice(0, mostErrors)
          .map(({ code, message }) => ({ code, message: cut(message, 1_000) })),
        errorCount: errors.length,
      }),
    },
  });
  return { id: idOf(graph, version), body };
}

/** The version of this format. */
const format = 1;
const mostChanges = 200;
const mostErrors = 10;

/** Differs between registries, also where they have equal graphs: no two publish the same version at the same moment. */
function idOf(graph: string, { number, at, by }: Version): string {
  const hash = createHash('sha256').update(JSON.stringify([graph, number, at, by]));
  return `msg_${hash.digest('hex').slice(0, 32)}`;
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}…` : text);
