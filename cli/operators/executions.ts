import { z } from 'zod';
import { CommandFailure, type Context } from '../context';
import { printable, printableJson } from '../terminal/printable';
import type { ListFlags } from '../commands/workflow';
import type { ReportFlags } from './flags';
import { failFor, SubgraphRefusal, type Subgraphs, withSubgraphs } from './subgraphs';

const path = 'workflows';
const error = z.object({ error: z.string(), cause: z.string() });
const execution = z.object({
  workflow: z.string(),
  id: z.string(),
  status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED']),
  state: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
});
const listed = z.object({ executions: z.array(execution) });
const whole = execution.extend({
  input: z.json(),
  output: z.json().optional(),
  error: error.optional(),
  correlationId: z.string(),
});
const entry = z.object({
  state: z.string(),
  at: z.string(),
  endedAt: z.string().optional(),
  outcome: z.enum(['RUNNING', 'SUCCEEDED', 'CAUGHT', 'FAILED']),
  attempts: z.number(),
  error: error.optional(),
});
const shown = z.object({ execution: whole, history: z.array(entry) });

/** `weir workflow list` */
export async function list({ status, limit, ...flags }: ListFlags, context: Context): Promise<void> {
  const { stdout } = context;
  await withSubgraphs(flags, context, async (subgraphs) => {
    const request = { status: status?.toUpperCase(), limit };
    const { served, troubles } = await subgraphs.requestAll(path, request, listed);
    if (served.length === 0 && troubles.length === 0) throw noWorkflows(subgraphs);
    const executions = served.flatMap(({ name, answer }) =>
      answer.executions.map((each) => ({ subgraph: name, ...each })),
    );
    if (flags.format === 'json') stdout.write(printableJson({ executions }));
    else if (executions.length > 0) stdout.write(table(executions.map(row)));
    else if (served.length > 0) {
      const names = served.map(({ name }) => name).join(', ');
      const state = { failed: 'has failed', running: 'runs', all: 'runs or has failed' }[status ?? 'all'];
      stdout.write(`No workflow of ${names} ${state}.\n`);
    }
    failFor(troubles);
  });
}

/** `weir workflow show` */
export async function show(name: string, flags: ReportFlags, context: Context): Promise<void> {
  checkName(name);
  await withSubgraphs(flags, context, async (subgraphs) => {
    const { subgraph, answer } = await find(subgraphs, name);
    context.stdout.write(
      flags.format === 'json' ? printableJson({ subgraph, ...answer }) : describe(subgraph, answer),
    );
  });
}

/** `weir workflow retry` */
export async function retry(names: readonly string[], flags: ReportFlags, context: Context): Promise<void> {
  for (const name of names) checkName(name);
  await withSubgraphs(flags, context, async (subgraphs) => {
    // All are known before one is changed.
    const found: string[] = [];
    for (const name of names) found.push((await find(subgraphs, name)).subgraph);
    const retried: string[] = [];
    const refusals: string[] = [];
    for (const [i, execution] of names.entries()) {
      const body = { action: 'retry', execution };
      try {
        await subgraphs.request(found[i]!, path, body, z.object({ execution: whole }));
        retried.push(execution);
      } catch (error) {
        if (!(error instanceof SubgraphRefusal) || error.status !== 409) throw error;
        refusals.push(`weir: ${error.message}`);
      }
    }
    if (flags.format === 'json') context.stdout.write(printableJson({ retried }));
    else
      for (const name of retried)
        context.stdout.write(`${name} goes on: \`weir workflow show ${name}\` follows it.\n`);
    if (refusals.length > 0) throw new CommandFailure(refusals.join('\n'), 1);
  });
}

function checkName(name: string): void {
  if (/^[a-z][a-z0-9-]{0,31}\.[\w-]{1,40}$/.test(name)) return;
  throw new CommandFailure(
    `weir: "${printable(name, 100)}" is no execution: it must be WORKFLOW.ID, such as place-order.o1, as \`weir workflow list\` prints it.`,
    2,
  );
}

/** The subgraph that has an execution. @throws {CommandFailure} if none has it, or more than one */
async function find(subgraphs: Subgraphs, execution: string) {
  // A subgraph without workflows and one without this execution both answer with 404.
  const { served, troubles } = await subgraphs.requestAll(path, { action: 'show', execution }, shown);
  const [first, second] = served;
  if (first && !second) return { subgraph: first.name, answer: first.answer };
  if (first)
    throw new CommandFailure(
      `weir: ${served.map(({ name }) => name).join(' and ')} have an execution ${execution} each: name one with --subgraph NAME.`,
      2,
    );
  failFor(troubles);
  const having = await subgraphs.requestAll(path, { limit: 1 }, listed);
  failFor(having.troubles);
  if (having.served.length === 0) throw noWorkflows(subgraphs);
  const names = having.served.map(({ name }) => name).join(', ');
  throw new CommandFailure(
    `weir: there is no execution ${execution} in ${names}: \`weir workflow list\` lists those that run or have failed.`,
    1,
  );
}

const noWorkflows = ({ names }: Subgraphs): CommandFailure =>
  new CommandFailure(
    `weir: there are no workflows in ${names}: name another subgraph with --subgraph NAME=URL.`,
    2,
  );

const row = (each: z.infer<typeof execution> & { readonly subgraph: string }): string[] => [
  `${printable(each.workflow)}.${printable(each.id)}`,
  each.subgraph,
  each.status,
  printable(each.state ?? '-'),
  each.endedAt === undefined ? `since ${printable(each.startedAt)}` : `at ${printable(each.endedAt)}`,
];

function describe(subgraph: string, { execution, history }: z.infer<typeof shown>): string {
  const { workflow, id, status, startedAt, endedAt, correlationId, input, output, error } = execution;
  const facts: (readonly [string, string | undefined])[] = [
    ['started', startedAt],
    ['ended', endedAt],
    ['request', correlationId],
    ['input', JSON.stringify(input)],
    ['output', output === undefined ? undefined : JSON.stringify(output)],
    ['error', error && `${error.error}: ${error.cause}`],
  ];
  const lines = facts.flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${name.padEnd(8)} ${printable(value)}\n`],
  );
  const states = history.map(({ state, at, outcome, attempts, error }) => [
    printable(at),
    printable(state),
    outcome,
    attempts === 0 ? '' : `${attempts} ${attempts === 1 ? 'call' : 'calls'}`,
    error === undefined ? '' : printable(`${error.error}: ${error.cause}`),
  ]);
  return `${printable(workflow)}.${printable(id)}  ${subgraph}  ${status}\n${lines.join('')}\n${table(states)}`;
}

/** Rows with equal columns. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, i) => Math.max(cell.length, widest[i] ?? 0)),
    [],
  );
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
