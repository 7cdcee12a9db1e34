import { z } from 'zod';
import { reportOf } from '../../gateway/console/call-report';
import { addTotals } from '../../gateway/console/call-totals';
import type { CallTotals } from '../../gateway/console/api';
import { timeLimit } from '../../gateway/net/time-limit';
import { CommandFailure, type Context } from '../context';
import { printable, printableJson } from '../terminal/printable';
import type { CallReportFlags } from '../commands/report';
import { readRunningGraph } from '../gateway/running-graph';
import { describeReport } from './describe-report';

/** `weir report` */
export async function report(flags: CallReportFlags, context: Context): Promise<void> {
  const gateways = findGateways(flags);
  const totals = await Promise.all(gateways.map((gateway) => ask(gateway, flags.since, context)));
  const found = reportOf(addTotals(totals));
  context.stdout.write(flags.format === 'json' ? printableJson(found) : describeReport(found));
}

interface Gateway {
  /** Its admin port. */
  readonly url: string;
  readonly token: string | undefined;
}

function findGateways({ admin = [], token }: CallReportFlags): Gateway[] {
  const running = readRunningGraph()?.admin;
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw new CommandFailure('weir: --token must be printable ASCII without spaces.', 2);
  if (admin.length > 0)
    return [...new Set(admin.map(originOf))].map((url) => ({
      url,
      token: token ?? (running !== undefined && originOf(running.url) === url ? running.token : undefined),
    }));
  if (running !== undefined) return [{ url: originOf(running.url), token: token ?? running.token }];
  throw new CommandFailure(
    'weir: which gateway? No `weir dev` with an admin port runs in this folder: name the admin port of a gateway with --admin URL, such as http://127.0.0.1:9464.',
    2,
  );
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new CommandFailure(
      `weir: --admin must be the URL of an admin port, such as http://127.0.0.1:9464, but got: "${printable(text, 100)}".`,
      2,
    );
  if (url.username !== '' || url.password !== '')
    throw new CommandFailure(
      'weir: --admin must have no user name and password, which are not sent: give `admin.token` with --token.',
      2,
    );
  return url.origin;
}

async function ask(
  { url, token }: Gateway,
  since: number | undefined,
  { signal }: Context,
): Promise<CallTotals> {
  const { status, text } = await get(
    `${url}/console/api/report${since === undefined ? '' : `?last=${since}`}`,
    token,
    signal,
  );
  const trouble = (says: string): CommandFailure => new CommandFailure(`weir: ${url} ${says}`, 2);
  const json = parse(text);
  const refused = refusal.safeParse(json).data?.errors[0].message;
  if (status === 401)
    throw trouble(
      token === undefined
        ? 'wants a token: give the `admin.token` of the gateway with --token, or in WEIR_TOKEN.'
        : 'does not accept the token: give the `admin.token` of the gateway with --token, or in WEIR_TOKEN.',
    );
  if (status === 403) throw trouble(`refuses: ${printable(refused ?? 'it says no reason.')}`);
  if (status === 404)
    throw trouble('has no report: name an admin port, of a gateway where `admin.console.enabled` is true.');
  if (status !== 200)
    throw trouble(
      `has failed with status ${status} (${printable(refused ?? 'no reason')}): its log says more.`,
    );
  const found = totals.safeParse(json);
  if (found.success) return found.data as CallTotals;
  throw trouble(
    'does not answer with a report: it is another server, or runs another version of Weir than this command.',
  );
}

async function get(
  url: string,
  token: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(url, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeLimit(timeout)]),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    // The user has asked to stop.
    if (signal.aborted) throw new CommandFailure('', 0);
    const { name, message, cause } = error as Error & { readonly cause?: NodeJS.ErrnoException };
    const reason =
      name === 'TimeoutError'
        ? `nothing within ${timeout / 1000} s`
        : (cause?.code ?? cause?.message ?? message);
    throw new CommandFailure(
      `weir: the gateway does not answer at ${new URL(url).origin} (${printable(reason)}): start it, or name its admin port with --admin.`,
      2,
    );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const timeout = 10_000;

const refusal = z.object({ errors: z.tuple([z.object({ message: z.string() })], z.unknown()) });
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
