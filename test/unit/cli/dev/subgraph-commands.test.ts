import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isListening } from '../../../../cli/dev/subgraph-command';
import { Commands, type CommandsOptions } from '../../../../cli/dev/subgraph-commands';
import { freePorts } from '../../../../cli/dev/ports';
import type { SubgraphConfig, SupergraphConfig } from '../../../../schema';
import { eventually } from '../../../support/process';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const node = JSON.stringify(process.execPath);
/** Listens, unless there is a file that says how it ends. */
writeFileSync(
  join(folder, 'service.cjs'),
  `const { existsSync, readFileSync } = require('node:fs');
   console.log('starts at ' + process.env.PORT);
   if (existsSync('end')) process.exit(Number(readFileSync('end')));
   require('node:net').createServer().listen(process.env.PORT, '127.0.0.1');`,
);
mkdirSync(join(folder, 'src/node_modules'), { recursive: true });

let printed: string[];
let ready: number;
let commands: Commands;
let port: number;
beforeEach(async () => {
  printed = [];
  ready = 0;
  commands = create();
  [port] = (await freePorts(1)) as [number];
});
afterEach(async () => {
  await commands.stop();
  rmSync(join(folder, 'end'), { force: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('Commands', () => {
  it('gives each a free port if asked to, which introspection uses, too', async () => {
    commands = create({ ports: 'free' });
    const url = `http://127.0.0.1:${port}/graphql`;
    const schema = { kind: 'url', url, headers: { x: 'y' } } as const;
    const [one, other] = (await commands.apply(config({ a: { schema }, b: {} }))).subgraphs;
    await commands.settled();

    expect(one!.routingUrl).not.toBe(url);
    expect(one!.schema).toEqual({ ...schema, url: one!.routingUrl });
    expect(new Set([one, other].map((each) => each!.routingUrl)).size).toBe(2);
    expect(await isListening(one!.routingUrl)).toBe(true);
  });

  it('tells each the URLs of all, by variables', async () => {
    commands = create({ ports: 'free', env: { PATH: process.env['PATH'], ELSEWHERE_URL: 'http://mine' } });
    const line = `${node} -e "console.log(process.env.ORDER_HISTORY_URL, process.env.ELSEWHERE_URL, process.env.STOCK_URL)"`;
    const given = config({ 'order-history': { line }, elsewhere: { command: undefined } });
    const stock = config({ stock: { command: undefined } }).subgraphs;
    const applied = await commands.apply({ ...given, subgraphs: [...given.subgraphs, ...stock] });
    const [{ routingUrl }] = applied.subgraphs as [SubgraphConfig];
    expect(routingUrl).not.toContain(`:${port}/`);
    await eventually(() =>
      printed.includes(`order-history | ${routingUrl} http://mine http://127.0.0.1:${port}/graphql`),
    );
  });

  it('restarts a command that ends, with a growing pause', async () => {
    writeFileSync(join(folder, 'end'), '4');
    await commands.apply(config({ a: {} }));
    await eventually(() => printed.filter((line) => line.startsWith('weir')).length === 2);
    rmSync(join(folder, 'end'));
    await eventually(() => printed.includes('weir | a is back.'));

    expect(printed.filter((line) => line.startsWith('weir')).slice(0, 2)).toEqual([
      'weir | a ended with exit code 4; it is started again in 0.02 s.',
      'weir | a ended with exit code 4; it is started again in 0.04 s.',
    ]);
    expect(commands.isDown('a')).toBe(false);
  });

  it('restarts a command after an edit of a watched file, but not in node_modules', async () => {
    await commands.apply(config({ a: { watch: [join(folder, 'src')] } }));
    await commands.settled();
    writeFileSync(join(folder, 'src/node_modules/x.js'), '1');
    writeFileSync(join(folder, 'src/.hidden'), '1');
    writeFileSync(join(folder, 'src/x.js'), '1');
    await eventually(() => printed.includes('weir | a is back.'));

    expect(printed).toEqual([
      `a | starts at ${port}`,
      'weir | a is started anew after an edit.',
      `a | starts at ${port}`,
      'weir | a is back.',
    ]);
    expect(ready).toBe(2);
  });

  it('restarts a failed command at once after an edit', async () => {
    writeFileSync(join(folder, 'end'), '1');
    commands = create({ delay: 60_000 });
    await commands.apply(config({ a: { watch: [join(folder, 'src')] } }));
    await commands.settled();
    expect(printed).toContain(
      'weir | a ended with exit code 1; it is started again in 60 s, or after an edit.',
    );
    rmSync(join(folder, 'end'));
    writeFileSync(join(folder, 'src/y.js'), '1');

    await eventually(() => printed.includes('weir | a is back.'));
  });

  it('follows a configuration: starts new and changed commands, stops removed ones, keeps the rest', async () => {
    const [other] = (await freePorts(1)) as [number];
    await commands.apply(config({ a: {}, b: { port: other } }));
    await commands.settled();
    await commands.apply(config({ a: {}, b: { port: other, args: ' again' }, c: { command: undefined } }));
    await commands.settled();
    expect(printed.sort()).toEqual([
      `a | starts at ${port}`,
      `b | starts at ${other}`,
      `b | starts at ${other}`,
    ]);

    await commands.apply(config({ a: {} }));
    expect(await isListening(`http://127.0.0.1:${other}`)).toBe(false);
    expect(await isListening(`http://127.0.0.1:${port}`)).toBe(true);
  });

  it('says which port is taken, before anything is started', async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));

    await expect(commands.apply(config({ a: {} }))).rejects.toThrow(
      `weir: the port ${port} (a) is taken by another process`,
    );
    expect(printed).toEqual([]);
    await new Promise((closed) => server.close(closed));
  });

  it('does not wait for a command that listens elsewhere, and says so', async () => {
    commands = create({ patience: 20 });
    await commands.apply(config({ a: { line: 'exec sleep 100' } }));
    await commands.settled();

    expect(printed).toEqual([
      `weir | a is not there yet: its command runs, but nobody listens at 127.0.0.1:${port}; PORT is ${port} for it.`,
    ]);
  });
});

interface Given extends Partial<Pick<SubgraphConfig, 'schema'>> {
  readonly command?: undefined;
  readonly watch?: string[];
  readonly port?: number;
  readonly args?: string;
  readonly line?: string;
}

function config(subgraphs: Record<string, Given>): SupergraphConfig {
  return {
    file: 'supergraph.yaml',
    subgraphs: Object.entries(subgraphs).map(
      ([
        name,
        { watch = [], port: own = port, args = '', line = `${node} service.cjs${args}`, ...others },
      ]) => ({
        name,
        routingUrl: `http://127.0.0.1:${own}/graphql`,
        schema: { kind: 'sdl', sdl: 'type Query { a: Int }' },
        command: { line, folder, watch },
        ...others,
      }),
    ) as SubgraphConfig[],
  };
}

function create(options: Partial<CommandsOptions> = {}): Commands {
  return new Commands({
    ports: 'configured',
    otherPorts: () => [],
    env: process.env,
    output: {
      say: (sentence) => printed.push(`weir | ${sentence}`),
      print: () => undefined,
      line: (name, line) => printed.push(`${name} | ${line}`),
    },
    onReady: () => ready++,
    delay: 20,
    ...options,
  });
}
