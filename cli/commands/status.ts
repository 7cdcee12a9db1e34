import { setTimeout as delay } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import type { GatewayReport, Version } from '../../schema';
import { CommandFailure, type Context } from '../context';
import {
  addRegistryFlags,
  formatOption,
  type RegistryFlags,
  versionLine,
  withRegistry,
} from '../registry/registry';
import { listVariants } from '../registry/variants';
import { describeWebhook, readWebhooks, type WebhookStatus } from '../registry/webhooks';

interface StatusFlags extends RegistryFlags {
  /** Milliseconds to wait until all gateways run the newest version. */
  readonly wait?: number;
  readonly format: string;
}

interface Status {
  readonly newest: Version;
  readonly gateways: readonly GatewayReport[];
}

/** `weir status`: shows which gateways run which version, and what webhooks have got. */
export function statusCommand(context: Context): Command {
  const command = new Command('status')
    .summary('show which gateways run which version, and what webhooks wait for')
    .description(
      'Shows the newest version of a graph, and the version of every gateway that reported in the last 90 seconds; ' +
        'of each webhook, which events wait, and why the last attempt failed. ' +
        'With --wait, waits until all of them run the newest: exit code 1 if one cannot, or if it takes longer. ' +
        'For a graph without @VARIANT, lists all its variants.',
    );
  return addRegistryFlags(command)
    .option('--wait <DURATION>', 'such as 30s: how long to wait for the gateways', milliseconds)
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ weir status --graph shop@prod\n  $ weir status --graph shop\n  $ weir publish reviews --schema schema.graphql && weir status --wait 30s',
    )
    .action((flags: StatusFlags) => status(flags, context));
}

async function status(flags: StatusFlags, context: Context): Promise<void> {
  const { wait = 0, format, graph } = flags;
  if (graph !== undefined && graph !== '' && !graph.includes('@')) {
    if (flags.wait !== undefined)
      throw new CommandFailure('weir: --wait needs one variant: name it with --graph GRAPH@VARIANT.', 2);
    return listVariants(flags, context);
  }
  await withRegistry(flags, async (registry) => {
    const deadline = performance.now() + wait;
    for (;;) {
      const found: Status = {
        newest: await registry.newest(),
        gateways: await registry.gateways.running(),
      };
      const isOver = performance.now() >= deadline || context.signal.aborted;
      const behind = behindOf(found);
      if (behind.length > 0 && !isOver && !behind.some(({ refused }) => refused)) {
        await delay(pause, undefined, { signal: context.signal }).catch(() => undefined);
        continue;
      }
      const webhooks = await readWebhooks(registry, found.newest, found.gateways);
      context.stdout.write(
        format === 'json'
          ? `${JSON.stringify({ ...found, webhooks }, null, 2)}\n`
          : describe(found, webhooks, registry.name),
      );
      if (flags.wait !== undefined && behind.length > 0)
        throw new CommandFailure(
          `weir: ${behind.length} of ${found.gateways.length} gateways do not run version ${found.newest.number}.`,
          1,
        );
      return;
    }
  });
}

/** Milliseconds between two checks. */
const pause = 250;

/** Gateways that should run the newest version and do not. */
const behindOf = ({ newest, gateways }: Status): GatewayReport[] =>
  gateways.filter(({ pinned, supergraph }) => pinned === undefined && supergraph !== newest.supergraph);

function describe({ newest, gateways }: Status, webhooks: readonly WebhookStatus[], name: string): string {
  const width = Math.max(0, ...gateways.map(({ id }) => id.length));
  const lines = gateways.map((gateway) => `  ${gateway.id.padEnd(width)}  ${describeGateway(gateway)}\n`);
  return [
    `${name}\n${versionLine(newest)}\n`,
    lines.length === 0 ? 'No gateway has reported in the last 90 seconds.\n' : `gateways\n${lines.join('')}`,
    webhooks.length === 0 ? '' : `webhooks\n${webhooks.map(describeWebhook).join('')}`,
  ].join('');
}

function describeGateway({ version, supergraph, pinned, refused, startedAt }: GatewayReport): string {
  const runs =
    version !== undefined
      ? `version ${version}`
      : supergraph === undefined
        ? 'nothing yet'
        : `a supergraph that it kept (${supergraph.slice(0, 12)})`;
  const stays = pinned === undefined ? '' : `, pinned to ${pinned}`;
  const cannot = refused === undefined ? '' : `; refuses version ${refused.version}: ${refused.reason}`;
  return `runs ${runs}${stays}, up since ${startedAt}${cannot}`;
}

function milliseconds(text: string): number {
  const [, amount, unit] = /^(\d+)(s|m)$/.exec(text) ?? [];
  if (amount !== undefined) return Number(amount) * (unit === 's' ? 1_000 : 60_000);
  throw new InvalidArgumentError('It must be a number of seconds or minutes, such as 30s.');
}
