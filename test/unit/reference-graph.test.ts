/** The places that name each subgraph in subgraphs/: one that is left out of any of them is told here. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { subgraphCommand } from '../../cli/commands/subgraph';
import { shopServices, shopSubgraphs } from '../support/shop';

const root = join(__dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Each subgraph has a folder; beside these is the kit that they are made with. */
const names = readdirSync(join(root, 'subgraphs'), { withFileTypes: true })
  .filter((each) => each.isDirectory())
  .map(({ name }) => name)
  .sort();

interface Compose {
  readonly services: Record<
    string,
    {
      readonly build?: { readonly target: string; readonly args?: { readonly NAME: string } };
      readonly depends_on?: object;
    }
  >;
  readonly configs: { readonly weir: { readonly content: string } };
}
const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const keysOf = (map: object): string[] => Object.keys(map).sort();

it('are started by their entry points', () => {
  expect(names.filter((name) => !existsSync(join(root, `subgraphs/${name}/index.ts`)))).toEqual([]);
});

it('are composed by schema/supergraph.yaml, from the schemas in their folders', () => {
  const { subgraphs } = parse(read('schema/supergraph.yaml')) as {
    readonly subgraphs: Record<string, { readonly schema: Partial<Record<'file' | 'openapi', string>> }>;
  };
  expect(keysOf(subgraphs)).toEqual(names);
  for (const [name, { schema }] of Object.entries(subgraphs))
    expect([`../subgraphs/${name}/schema.graphql`, `../subgraphs/${name}/openapi.yaml`]).toContain(
      schema.file ?? schema.openapi,
    );
});

it('are in schema/supergraph.graphql', () => {
  const composed = [...read('schema/supergraph.graphql').matchAll(/@join__graph\(name: "([\w.]+)"/g)];
  expect(composed.map(([, name]) => name).sort()).toEqual(names);
});

it('are named by the help of weir subgraph', () => {
  const [argument] = subgraphCommand({} as never).registeredArguments;
  expect(argument!.description.split(/, | or /).sort()).toEqual(names);
});

it('have a container each in docker-compose.yml, for which the gateway waits and whose URL it has', () => {
  const { gateway, ...others } = compose.services;
  const services = Object.entries(others).filter(([, { build }]) => build?.target === 'subgraph');
  expect(services.map(([name]) => name).sort()).toEqual(names);
  for (const [name, { build }] of services) expect(build!.args!.NAME).toBe(name);
  expect(keysOf(gateway!.depends_on!)).toEqual(expect.arrayContaining(names));
  const { subgraphs } = parse(compose.configs.weir.content) as { readonly subgraphs: object };
  expect(keysOf(subgraphs)).toEqual(names);
});

it('are in the graph that tests run in one process', () => {
  expect(keysOf({ ...shopSubgraphs, ...shopServices })).toEqual(names);
});
