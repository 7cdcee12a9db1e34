import { type FastifyBaseLogger } from 'fastify';
import { type Database } from '../../table/database';
import { StartError } from '../../serve/start-error';
import { type AnyTableDefinition } from '../../table/definition';
import { openArchiveWait, type ArchiveWait } from './archive-wait';
import { eventLogTable, openEventLog, type EventLog } from './event-log';
import { watchLog, type LogWatch } from './log-watch';
import { openRelay, type Relay, type RelayOptions } from './relay';

/** What a subgraph has whose tables have an outbox. */
export interface SubgraphEvents {
  readonly eventLog: EventLog;
  readonly watch: LogWatch;
  readonly relay: Relay;
  /** Undefined: answers do not wait for an archive. */
  readonly archiveWait: ArchiveWait | undefined;
}

/** The tables of a subgraph, and those that its events need. */
export function withEventTables(
  source: string,
  tables: readonly AnyTableDefinition[],
): readonly AnyTableDefinition[] {
  const writing = tables.filter(({ outbox }) => outbox);
  const prefixes = new Map<string, string>();
  for (const { name, outbox } of writing) {
    const { subjectPrefix } = outbox!;
    const other = prefixes.get(subjectPrefix);
    if (other !== undefined)
      throw new StartError(
        `The tables "${other}" and "${name}" may both have an event of "${subjectPrefix}1": give one of them another \`subjectPrefix\`, such as \`outbox: { subjectPrefix: '${name}-' }\`.`,
      );
    prefixes.set(subjectPrefix, name);
  }
  return writing.length === 0 ? tables : [...tables, eventLogTable(source)];
}

export interface SubgraphEventsOptions extends Pick<RelayOptions, 'publish' | 'tracer'> {
  readonly source: string;
  readonly tables: readonly AnyTableDefinition[];
  readonly db: Database;
  readonly log: FastifyBaseLogger;
  /** How long answers of mutations wait for an archive at most, in milliseconds. @default they do not wait */
  readonly archiveWait?: number | undefined;
}

/** Opens the log and starts the relay. Undefined for a subgraph without an outbox. */
export function openSubgraphEvents({
  source,
  tables,
  db,
  log,
  publish,
  tracer,
  archiveWait: longest,
}: SubgraphEventsOptions): SubgraphEvents | undefined {
  const writing = tables.filter(({ outbox }) => outbox);
  if (writing.length === 0) return undefined;
  const eventLog = openEventLog({ db, source });
  const watch = watchLog(eventLog);
  const onLogged = () => watch.grown();
  const relay = openRelay({ db, source, tables: writing, eventLog, log, onLogged, publish, tracer });
  const archiveWait = longest === undefined ? undefined : openArchiveWait({ db, source, eventLog, longest });
  return { eventLog, watch, relay, archiveWait };
}
