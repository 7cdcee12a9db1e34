import { type IncomingMessage } from 'node:http';
import { type Shop, type SubgraphName } from './shop';
import { countCommands } from './count-commands';

/** What was spent on something: HTTP calls and DynamoDB commands of each subgraph. */
export interface Costs {
  /** By subgraph; those that were not called are not in it. */
  readonly calls: Readonly<Partial<Record<SubgraphName, number>>>;
  /** By subgraph, table and name: `{ 'reviews reviews Query': 50 }`. */
  readonly commands: Readonly<Record<string, number>>;
  /** How many commands of one kind were in flight at once, at most; keys as in `commands`. */
  readonly peaks: Readonly<Record<string, number>>;
}

/** Counts what `spend` costs the shop, which nobody else uses meanwhile. */
export async function countCosts(shop: Shop, spend: () => Promise<unknown>): Promise<Costs> {
  const calls: Partial<Record<SubgraphName, number>> = {};
  const meters = (Object.keys(shop.subgraphs) as SubgraphName[]).map((name) => {
    const { app, db } = shop.subgraphs[name];
    const count = ({ url }: IncomingMessage) => {
      // Whoever follows its events does so beside all requests.
      if (!url!.startsWith('/events')) calls[name] = (calls[name] ?? 0) + 1;
    };
    app.server.on('request', count);
    return { name, counter: countCommands(db), stop: () => app.server.off('request', count) };
  });
  try {
    await spend();
  } finally {
    for (const { counter, stop } of meters) {
      counter.stop();
      stop();
    }
  }

  const commands: Record<string, number> = {};
  const peaks: Record<string, number> = {};
  for (const { name: subgraph, counter } of meters) {
    for (const { name, table } of counter.commands) {
      const key = `${subgraph} ${table} ${name}`;
      commands[key] = counter.count(name, table);
      peaks[key] = counter.peak(name, table);
    }
  }
  return { calls, commands, peaks };
}
