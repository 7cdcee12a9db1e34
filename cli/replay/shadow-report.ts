import { z } from 'zod';
import type { ShadowReport } from '../../gateway/shadow/record';
import type { ReplayReportFlags } from '../commands/replay-report';
import { CommandFailure, type Context } from '../context';
import { findAdminPorts, readConsole } from '../operators/admin-port';
import { printable, printableJson } from '../terminal/printable';
import { describeComparison } from './describe-replay';
import { pathSchema } from './report-schema';

/** `weir replay report` */
export async function printShadowReports(flags: ReplayReportFlags, context: Context): Promise<void> {
  const ports = findAdminPorts(flags);
  const reports = await Promise.all(
    ports.map(async (port) => {
      const found = await readConsole(port, 'shadow', reportSchema, context);
      if (found !== null) return { gateway: port.url, ...found };
      throw new CommandFailure(
        `weir: the gateway at ${port.url} has no shadow: name one by its option \`shadow\`.`,
        2,
      );
    }),
  );
  context.stdout.write(
    flags.format === 'json'
      ? printableJson(reports)
      : reports.map((report) => describeShadow(report, context)).join('\n'),
  );
  if (reports.some(({ different }) => different > 0)) throw new CommandFailure('', 1);
}

function describeShadow(report: ShadowReport & { readonly gateway: string }, context: Context): string {
  const { gateway, url, share, perSecond, processes, since, failed, dropped } = report;
  const each = processes === 1 ? '' : ` in each of ${processes} processes`;
  return describeComparison(report, context, {
    endpoints: { a: `the gateway of ${gateway}`, b: url },
    notes: [
      `Since ${new Date(since).toISOString()}: ${Number((share * 100).toPrecision(3))} % of queries, at most ${perSecond} a second${each}.`,
      ...describeCounts('Without an answer', failed),
      ...describeCounts('Not sent, or not compared', dropped),
    ],
  });
}

/** Such as `Without an answer: timeout (2), unreachable (1).` */
function describeCounts(what: string, counts: Readonly<Record<string, number>>): string[] {
  const parts = Object.entries(counts).map(([reason, count]) => `${printable(reason, 40)} (${count})`);
  return parts.length === 0 ? [] : [`${what}: ${parts.join(', ')}.`];
}

const count = z.number();
const figures = z.object({ p50: count.nullable(), p99: count.nullable(), calls: count.nullable() });
const row = { compared: count, equal: count, different: count, a: figures, b: figures };
const counts = z.record(z.string(), count);
const reportSchema: z.ZodType<ShadowReport | null> = z
  .object({
    ...{ url: z.string(), share: count, perSecond: count, since: count, processes: count },
    ...{ failed: counts, dropped: counts, ...row },
    operations: z.array(
      z.object({
        ...{ hash: z.string(), name: z.string().optional(), text: z.string().optional(), ...row },
        paths: z.array(pathSchema),
      }),
    ),
  })
  .nullable();
