/**
 * `killed-publisher.ts LOCATION NAME N`: publishes a subgraph, and kills this process at its Nth write: in a folder at
 * the Nth change of the file system, in DynamoDB when the Nth write was answered. With no N it ends by itself.
 */
import fs from 'node:fs/promises';
import { openRegistryStore } from '../../schema/store/open';
import { Registry } from '../../schema/registry/registry';

const [location = '', name = '', last = 'Infinity'] = process.argv.slice(2);
let writes = 0;

function countWrite(): void {
  if (++writes === Number(last)) process.kill(process.pid, 'SIGKILL');
}

if (!location.includes('://')) {
  for (const method of ['mkdir', 'open', 'link', 'rename', 'rm', 'truncate'] as const) {
    const original = fs[method] as (...args: unknown[]) => Promise<unknown>;
    Object.assign(fs, {
      [method](...args: unknown[]) {
        countWrite();
        return original(...args);
      },
    });
  }
}

async function publish(): Promise<void> {
  const store = await openRegistryStore(location);
  const counting: typeof store = {
    ...store,
    async put(...args) {
      const done = await store.put(...args);
      if (location.includes('://')) countWrite();
      return done;
    },
  };
  const registry = new Registry({ store: counting, variant: { graph: 'shop', variant: 'prod' } });
  const sdl = `type Query { ${name}: Int }`;
  await registry.publish([{ name, sdl, file: name, routingUrl: 'http://any.test/' }], { by: name });
  await store.close();
}

void publish();
