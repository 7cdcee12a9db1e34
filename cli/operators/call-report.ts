import { z } from 'zod';
import { reportOf } from '../../gateway/console/call-report';
import { addTotals } from '../../gateway/console/call-totals';
import type { CallTotals } from '../../gateway/console/api';
import type { Context } from '../context';
import { printableJson } from '../terminal/printable';
import type { CallReportFlags } from '../commands/report';
import { findAdminPorts, readConsole } from './admin-port';
import { describeReport } from './describe-report';

/** `weir report` */
export async function report(flags: CallReportFlags, context: Context): Promise<void> {
  const path = flags.since === undefined ? 'report' : `report?last=${flags.since}`;
  const ports = findAdminPorts(flags);
  const counted = await Promise.all(ports.map((port) => readConsole(port, path, totals, context)));
  const found = reportOf(addTotals(counted as CallTotals[]));
  context.stdout.write(flags.format === 'json' ? printableJson(found) : describeReport(found));
}

const count = z.number();
const counts = <Name extends string>(...names: readonly Name[]) =>
  z.object(Object.fromEntries(names.map((name) => [name, count])) as Record<Name, typeof count>);
const ages = z.object({ counts: z.array(count), sum: count });
const totals = z.object({
  since: count,
  at: count,
  processes: count,
  operations: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      executions: count,
      answers: counts('hit', 'stale', 'coalesced', 'miss', 'pass'),
      isOpen: z.boolean(),
      fetches: z.record(
        z.string(),
        counts('planned', 'merged', 'deduplicated', 'batched', 'cached', 'sent', 'answers', 'storable'),
      ),
      plan: z.array(
        z.object({
          subgraph: z.string(),
          kind: z.enum(['mutation', 'subscription', 'root', 'entities']),
          step: count,
          needs: z.array(count),
          fetches: z.array(z.object({ asks: z.array(z.string()), path: z.string() })),
        }),
      ),
    }),
  ),
  caches: z.array(
    z.object({
      subgraph: z.string().optional(),
      type: z.string().optional(),
      misses: count,
      refreshed: count,
      changed: count,
      ages: z.object({ fresh: ages, 'stale-while-revalidate': ages, 'stale-if-error': ages }),
    }),
  ),
});
