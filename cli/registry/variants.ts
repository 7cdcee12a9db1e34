import type { GatewayReport, Version } from '../../schema';
import type * as Schema from '../../schema';
import type { Context } from '../context';
import { type RegistryFlags, versionLine, withStore } from './registry';

interface ListedVariant {
  /** Such as `shop@pr-7`. */
  readonly graph: string;
  readonly newest: Version;
  readonly gateways: readonly GatewayReport[];
}

/** Prints all variants of a graph, and deletes previews that have expired, where its role may. */
export async function listVariants(
  flags: RegistryFlags & { readonly format: string },
  { stdout, stderr }: Context,
): Promise<void> {
  const { isVariantName, parseVariant, Registry, RegistryError, StoreError, Variants } =
    require('../../schema') as typeof Schema;
  const found = await withStore(flags, async (store, graph) => {
    if (!isVariantName(graph))
      throw new RegistryError(
        `A graph must be named by letters, digits, - and _, such as shop, or with its variant, such as shop@prod, but got: ${graph}`,
      );
    const variants = new Variants(store, graph);
    await variants.deleteExpired().catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
      stderr.write(`weir: expired previews could not be deleted. ${error.message}\n`);
    });
    const read = async (name: string): Promise<ListedVariant[]> => {
      const registry = new Registry({ store, variant: parseVariant(name) });
      const newest = await registry.current();
      return newest === undefined
        ? []
        : [{ graph: name, newest, gateways: await registry.gateways.running() }];
    };
    const all: ListedVariant[] = [];
    for (const name of await variants.names()) all.push(...(await read(name)));
    return all;
  });
  const lines = found.map(({ graph, newest, gateways }) => {
    const counted = `${gateways.length} ${gateways.length === 1 ? 'gateway' : 'gateways'}`;
    const left = newest.preview === undefined ? '' : `, expires in ${timeUntil(newest.preview.expires)}`;
    return `${graph}, ${counted}${left}\n${versionLine(newest)}\n`;
  });
  stdout.write(
    flags.format === 'json'
      ? `${JSON.stringify({ variants: found }, null, 2)}\n`
      : lines.join('') || `Nothing was published to ${flags.graph} yet.\n`,
  );
}

function timeUntil(time: string): string {
  const minutes = Math.max(0, Math.round((Date.parse(time) - Date.now()) / 60_000));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
