import { z } from 'zod';
import { CommandFailure, type Context } from '../context';
import type { ChangeFailuresFlags, ListFailuresFlags } from '../commands/events';
import { printable, printableJson } from '../terminal/printable';
import { failFor, ownerOf, SubgraphRefusal, type Subgraphs, withSubgraphs } from './subgraphs';

const path = 'events/failures';
const failure = z.object({
  id: z.string(),
  reason: z.string(),
  failedAt: z.string(),
  attempts: z.number(),
  text: z.string(),
});
const queue = z.object({
  consumer: z.string(),
  failures: z.array(failure),
  /** The place behind which there are more. */
  next: z.string().optional(),
});
export const listed = z.object({ consumers: z.array(queue) });
const changed = z.object({ count: z.number() });

/** The most that a subgraph lists of a consumer at once. */
const mostAtOnce = 100;

/** `weir events failed` */
export async function listFailures(flags: ListFailuresFlags, context: Context): Promise<void> {
  const { stdout } = context;
  const { consumer, limit, after } = flags;
  if (after !== undefined && consumer === undefined)
    throw new CommandFailure(
      'weir: --after needs --consumer NAME, as it is a place in one failure queue.',
      2,
    );
  await withSubgraphs(flags, context, async (subgraphs) => {
    if (consumer !== undefined) await findConsumer(subgraphs, consumer);
    const request = { consumer, after, limit: Math.min(limit, mostAtOnce) };
    const { served, without, troubles } = await subgraphs.requestAll(path, request, listed);
    if (served.length === 0 && troubles.length === 0)
      throw new CommandFailure(`weir: ${noConsumers(subgraphs)}`, 2);
    const queues = served.flatMap(({ name, answer }) =>
      answer.consumers.map((each) => ({ subgraph: name, ...each })),
    );
    for (const each of queues)
      while (each.next !== undefined && each.failures.length < limit) {
        const rest = Math.min(limit - each.failures.length, mostAtOnce);
        const page = { consumer: each.consumer, after: each.next, limit: rest };
        const { consumers } = await subgraphs.request(each.subgraph, path, page, listed);
        each.failures.push(...consumers[0]!.failures);
        each.next = consumers[0]!.next;
      }
    const all = queues.flatMap(({ subgraph, consumer, failures }) =>
      failures.map(({ id, ...rest }) => ({
        id: `${consumer}/${id}`,
        ...{ subgraph, consumer },
        ...subjectIn(rest.text),
        ...rest,
      })),
    );
    const more = queues.flatMap(({ subgraph, consumer, next }) =>
      next === undefined ? [] : [{ subgraph, consumer, after: next }],
    );
    if (flags.format === 'json') stdout.write(printableJson({ failures: all, more, without }));
    else if (all.length > 0) stdout.write(all.map(describe).join(''));
    else if (served.length > 0) {
      const names = served.map(({ name }) => name).join(', ');
      stdout.write(
        consumer === undefined
          ? `No event has failed in the consumers of ${names}.\n`
          : `No event has failed in the consumer ${consumer} of ${names}.\n`,
      );
    }
    if (flags.format !== 'json')
      for (const each of more) {
        const name = printable(each.consumer);
        stdout.write(
          `More of ${name}: \`weir events failed --consumer ${name} --after ${printable(each.after)}\`\n`,
        );
      }
    failFor(troubles);
  });
}

/** `weir events retry` and `weir events drop` */
export async function changeFailures(
  action: 'retry' | 'drop',
  ids: readonly string[],
  flags: ChangeFailuresFlags,
  context: Context,
): Promise<void> {
  const { all = false, consumer, format } = flags;
  const isWhole = all ? ids.length === 0 && consumer !== undefined : ids.length > 0 && consumer === undefined;
  if (!isWhole)
    throw new CommandFailure(
      `weir: which failures? Name them by their ids, as \`weir events failed\` prints them, or all of a consumer with --all --consumer NAME.`,
      2,
    );
  const failures = all ? [{ consumer: consumer!, id: undefined }] : ids.map(readId);
  await withSubgraphs(flags, context, async (subgraphs) => {
    // All are known before one is changed.
    const places = new Map<string, string>();
    for (const { consumer } of failures)
      if (!places.has(consumer)) places.set(consumer, await findConsumer(subgraphs, consumer));
    let count = 0;
    const missing: string[] = [];
    const refusals: string[] = [];
    for (const { consumer, id } of failures) {
      try {
        count += (await subgraphs.request(places.get(consumer)!, path, { action, consumer, id }, changed))
          .count;
      } catch (error) {
        if (!(error instanceof SubgraphRefusal)) throw error;
        if (error.status === 404) missing.push(`${consumer}/${id!}`);
        else refusals.push(`weir: ${error.message}`);
      }
    }
    const what = action === 'retry' ? 'delivered again' : 'forgotten';
    context.stdout.write(
      format === 'json'
        ? printableJson({ action, count, missing })
        : `${count} ${count === 1 ? 'event is' : 'events are'} ${what}.\n`,
    );
    const none = missing.map(
      (id) =>
        `weir: there is no failure ${printable(id)}: \`weir events failed\` lists those that there are.`,
    );
    const problems = [...none, ...new Set(refusals)];
    if (problems.length > 0) throw new CommandFailure(problems.join('\n'), 1);
  });
}

const findConsumer = async (subgraphs: Subgraphs, consumer: string): Promise<string> =>
  ownerOf(await subgraphs.requestAll(path, { limit: 0 }, listed), {
    what: 'consumer',
    name: consumer,
    namesIn: ({ consumers }) => consumers.map((each) => each.consumer),
    none: noConsumers(subgraphs),
  });

const noConsumers = ({ names }: Subgraphs): string =>
  `no event can fail here, as there are no consumers and projections in ${names}: name another subgraph with --subgraph NAME=URL.`;

/** The type and subject of an event, if they can be read. */
function subjectIn(text: string): { readonly type: string | null; readonly subject: string | null } {
  try {
    const { type, subject } = JSON.parse(text) as Record<string, unknown>;
    return {
      type: typeof type === 'string' ? type : null,
      subject: typeof subject === 'string' ? subject : null,
    };
  } catch {
    return { type: null, subject: null };
  }
}

interface ListedFailure extends z.infer<typeof failure> {
  readonly subgraph: string;
  readonly type: string | null;
  readonly subject: string | null;
}

function describe({ id, subgraph, type, subject, failedAt, attempts, reason }: ListedFailure): string {
  const event =
    type === null ? 'unreadable' : `${printable(type, 100)} ${printable(subject ?? '', 200)}`.trim();
  const tries = `${attempts} ${attempts === 1 ? 'try' : 'tries'}`;
  return `${printable(id)}  ${subgraph}  ${event}  ${printable(failedAt)}, after ${tries}\n    ${printable(reason)}\n`;
}

function readId(text: string): { readonly consumer: string; readonly id: string } {
  const [, consumer, id] = /^([\w.-]{1,100})\/(.{1,200})$/s.exec(text) ?? [];
  if (consumer !== undefined && id !== undefined) return { consumer, id };
  throw new CommandFailure(
    `weir: "${printable(text, 300)}" is no failure: it must be CONSUMER/ID, as \`weir events failed\` prints it.`,
    2,
  );
}
