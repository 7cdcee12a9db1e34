import type { IncomingRequest } from '../../request/incoming-request';
import { type Options, OptionsError } from '../../options';
import { matchesParts } from '../../options/wildcards';
import type { Logger } from '../logger';
import type { Meter } from '../metrics/meter';
import type { MutationFacts } from './mutation-facts';
import type { AuditAction } from '../../options/audit';
import type { AuditRecord } from './record';
import { compileRedaction } from './redact';
import { openFileDestination, openStreamDestination, type AuditDestination } from './destinations';
import { Trail } from './trail';

export interface AuditOptions {
  readonly options: Options['audit'];
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'error'>;
}

/** A mutation that was run. */
export interface AuditedMutation {
  readonly request: IncomingRequest;
  readonly facts: MutationFacts;
  readonly variables: Readonly<Record<string, unknown>>;
  /** The codes of its errors. */
  readonly errors: readonly string[];
}

/** A call of a tool by an agent. */
export interface AuditedToolCall {
  readonly request: IncomingRequest;
  readonly tool: string;
  /** The HMAC of its arguments by `audit.key`, in hex; undefined without a key. */
  readonly digest: string | undefined;
  readonly outcome: 'ok' | 'failed' | 'refused';
}

/** An administrative action. */
export interface AuditedAction {
  readonly action: Exclude<AuditAction, 'mutation' | 'tool.call'>;
  readonly outcome: AuditRecord['outcome'];
  /** Of a supergraph, where there are several. */
  readonly graph?: string | undefined;
  readonly requestId?: string | undefined;
  readonly address?: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Writes mutations and administrative actions to all audit trails. */
export interface Audit {
  /** Resolves when a mutation may run: all trails have room for its record. */
  ready(): Promise<void>;
  mutation(done: AuditedMutation): void;
  toolCall(done: AuditedToolCall): void;
  action(done: AuditedAction): void;
  /** Resolves when the records so far are written. */
  flush(): Promise<void>;
  /** Resolves when all records are written. */
  close(): Promise<void>;
}

/** Opens the trails. Undefined if none is configured. Rejects with an `OptionsError` if one cannot be opened. */
export async function openAudit({ options, meter, logger }: AuditOptions): Promise<Audit | undefined> {
  const { trails: wanted, redact, key } = options;
  if (wanted.length === 0) return undefined;
  const dropped = meter.sum('weir.audit.dropped');
  // Prometheus misses the first increase of a series that does not begin at 0.
  for (const i of wanted.keys()) dropped.of({ trail: String(i) });
  const trails = await Promise.all(
    wanted.map(async (each, i) => ({
      selects: compileSelector(each.select),
      trail: new Trail({
        destination: await openDestination(each.to, key, i),
        key,
        whenSlow: each.whenSlow,
        bound: each.buffer,
        onDrop: () => dropped.add(1, { trail: String(i) }),
        onFailure: (error) => logger.error({ err: error, trail: i }, 'an audit trail cannot be written'),
      }),
    })),
  );
  const redacted = compileRedaction(redact);
  const write = (record: AuditRecord): void => {
    for (const { selects, trail } of trails) if (selects(record)) trail.write(record);
  };

  return {
    async ready() {
      for (const { trail } of trails) await trail.ready();
    },
    mutation({ request, facts, variables, errors }) {
      write({
        ...beginningOf('mutation', request),
        operation: request.operation?.name,
        graph: request.graph,
        coordinates: facts.coordinates,
        arguments: redacted(facts.argumentsWith(variables)),
        outcome: errors.length === 0 ? 'ok' : 'failed',
        errors: errors.length === 0 ? undefined : [...new Set(errors)],
      });
    },
    toolCall({ request, tool, digest, outcome }) {
      write({
        ...beginningOf('tool.call', request),
        operation: tool,
        outcome: outcome === 'ok' ? 'ok' : 'failed',
        errors: request.codes && [...request.codes],
        details: { outcome, arguments: digest },
      });
    },
    action({ details, ...done }) {
      write({ time: new Date().toISOString(), ...done, details: redacted(details) });
    },
    async flush() {
      await Promise.all(trails.map(({ trail }) => trail.written));
    },
    async close() {
      await Promise.all(trails.map(({ trail }) => trail.close()));
    },
  };
}

/** Who has sent a request, and when. */
function beginningOf(action: AuditAction, request: IncomingRequest) {
  const { mode, subject, client } = request.identity;
  return {
    time: new Date().toISOString(),
    action,
    requestId: request.id,
    traceId: request.trace?.traceId,
    identity: { mode, subject, client },
    address: request.address,
  };
}

async function openDestination(
  to: string,
  key: string | undefined,
  index: number,
): Promise<AuditDestination> {
  if (to === 'stdout') return openStreamDestination(process.stdout);
  try {
    return await openFileDestination(to, key);
  } catch (error) {
    throw unwritable(index, to, error);
  }
}

/** The error for a trail that cannot be written. */
export function unwritable(index: number, to: string, error: unknown): OptionsError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = code === 'ENOENT' ? 'its folder does not exist' : message;
  return OptionsError.of(
    ['audit', 'trails', index, 'to'],
    `names ${to}, which cannot be written: ${reason}.`,
  );
}

function compileSelector({ actions, coordinates }: Options['audit']['trails'][number]['select']) {
  const wanted = new Set<AuditRecord['action']>(actions);
  const patterns = coordinates.map((pattern) => pattern.split('*'));
  return ({ action, coordinates: done = [] }: AuditRecord): boolean =>
    wanted.has(action) &&
    (action !== 'mutation' || done.some((each) => patterns.some((parts) => matchesParts(each, parts))));
}
