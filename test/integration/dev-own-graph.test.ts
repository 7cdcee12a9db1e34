/** `weir dev` of a graph of one’s own. Over 300 lines: its steps build on one start. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../cli/dev/ports';
import { runningGraphFile } from '../../cli/gateway/running-graph';
import { childrenOf, eventually, isAlive, type ProcessInfo } from '../support/process';
import { type RunningCli, startCli } from '../support/run-cli';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const file = join(folder, 'supergraph.yaml');
const options = join(folder, 'weir.yaml');
/** What an edit may not leave out. */
const protecting = `headers: { set: { x-gateway: weir } }
subgraphs: { b: { auth: { type: BEARER, token: t0ken }, headers: { set: { x-key: k3y } } } }
`;
const schema = join(folder, 'a.graphql');
const node = JSON.stringify(process.execPath);

/** A service that answers each query with the text of a file. */
writeFileSync(
  join(folder, 'a.cjs'),
  `const { readFileSync } = require('node:fs');
   console.log('hello from a');
   if (/\\bStrin\\b/.test(readFileSync('a.graphql', 'utf8'))) throw new Error('this schema is broken');
   const answer = readFileSync('a.json');
   require('node:http').createServer((request, response) => {
     request.resume().on('end', () => response.setHeader('content-type', 'application/json').end(answer));
   }).listen(process.env.PORT, '127.0.0.1');`,
);

/** A service that runs already, or not yet. */
class Elsewhere {
  readonly asked: IncomingHttpHeaders[] = [];
  sdl = 'type Query { b: String }';
  #server: Server | undefined;

  async start(port: number): Promise<void> {
    this.#server = createServer((request, response) => {
      this.asked.push(request.headers);
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const data = body.includes('_service') ? { _service: { sdl: this.sdl } } : { b: 'from b' };
        response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }));
      });
    });
    await new Promise<void>((listening) => this.#server!.listen(port, '127.0.0.1', listening));
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((closed) => this.#server?.close(closed) ?? closed(undefined));
    this.#server = undefined;
  }
}

const elsewhere = new Elsewhere();
let weir: RunningCli;
let port: number;
let children: ProcessInfo[];

beforeAll(async () => {
  [port] = (await freePorts(1)) as [number];
  write(schema, 'type Query { a: String }');
  writeFileSync(join(folder, 'a.json'), JSON.stringify({ data: { a: 'from a' } }));
  write(
    options,
    `path: /api
${protecting}`,
  );
  write(
    file,
    `federation_version: 2
subgraphs:
  a:
    routing_url: http://127.0.0.1:4001/graphql
    schema: { file: a.graphql }
    command: ${JSON.stringify(`${node} a.cjs && true`)}
    watch: [a.cjs, a.json, a.graphql]
  b:
    schema: { subgraph_url: http://127.0.0.1:${port}/graphql }
`,
  );
  const before = new Set(childrenOf(process.pid).map(({ pid }) => pid));
  weir = startCli(['dev', '--supergraph-config', file, '--port', '0'], {
    ...(process.env as Record<string, string>),
  });
  await weir.printed(/waiting for b/);
  await elsewhere.start(port);
  await weir.printed(/curl/);
  children = childrenOf(process.pid).filter(({ pid }) => !before.has(pid));
});
afterAll(async () => {
  await weir.stop();
  await elsewhere.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('weir dev, of a graph of one’s own,', () => {
  it('says whom it waits for, and where', () => {
    expect(weir.stderr).toContain(
      `error SCHEMA_UNREADABLE: The schema of b cannot be read: http://127.0.0.1:${port}/graphql refuses connections: start the subgraph, or name its port.`,
    );
    expect(weir.stderr).toContain('waiting for b: the gateway starts as soon as there is a schema.');
    expect(weir.stderr).toContain('b answers.');
    expect(weir.stderr).not.toMatch(/schema of a /);
  });

  it('shows where everything is, and nothing of the shop', () => {
    expect(weir.stdout).toMatch(/Endpoint +http:\/\/127\.0\.0\.1:\d+\/api /);
    expect(weir.stdout).toMatch(/GraphiQL +http:\/\/127\.0\.0\.1:\d+\/graphiql /);
    expect(weir.stdout).toContain(`Options    ${options}`);
    expect(weir.stdout).toMatch(
      new RegExp(`Subgraphs +a {2}http://127.0.0.1:\\d+/graphql\\n +b {2}http://127.0.0.1:${port}/graphql`),
    );
    expect(weir.stdout + weir.stderr).not.toMatch(/DynamoDB|dynamodb|Bearer u1|AWS_|API_KEY/);
  });

  it('prints a query that this graph answers', async () => {
    const [, body] = /-d '(.+)'/.exec(weir.stdout)!;
    expect(JSON.parse(body!)).toEqual({ query: '{ a b }' });
    expect(await ask(JSON.parse(body!).query)).toMatchObject({ data: { a: 'from a', b: 'from b' } });
  });

  it('runs the command, prints its lines with its name, and gives it the port that the gateway calls', () => {
    expect(weir.stderr).toMatch(/^a +\| hello from a$/m);
    expect(weir.stdout).not.toContain('http://127.0.0.1:4001/');
  });

  it('asks for a schema with the headers and tokens that the options say for calls', () => {
    const sent = { authorization: 'Bearer t0ken', 'x-gateway': 'weir', 'x-key': 'k3y' };
    expect(elsewhere.asked[0]).toMatchObject(sent);
  });

  it('serves another schema of a running subgraph', async () => {
    elsewhere.sdl = 'type Query { b: String, other: String }';
    await weir.printed(/the new supergraph is live\./);
    expect(await ask('{ __type(name: "Query") { fields { name } } }')).toMatchObject({
      data: { __type: { fields: [{ name: 'a' }, { name: 'b' }, { name: 'other' }] } },
    });
  });

  it('starts a command anew after an edit', async () => {
    writeFileSync(join(folder, 'a.json'), JSON.stringify({ data: { a: 'edited' } }));
    await weir.printed(/a is back\./);
    expect(await ask('{ a }')).toMatchObject({ data: { a: 'edited' } });
  });

  it('says file and line of a broken schema, and goes on', async () => {
    write(schema, 'type Query {\n  a: Strin\n}');
    await weir.printed(new RegExp(`Unknown type Strin[^]*${schema}:2:\\d+ \\(a\\)`));
    await weir.printed(/the graph goes on with the last supergraph that composed\./);
    // The command watches this file, and would not start with it.
    await weir.printed(/a keeps running as it was before the edit, because its schema does not compose\./);
    expect(await ask('{ a b }')).toMatchObject({ data: { a: 'edited', b: 'from b' } });
    expect(weir.stderr).not.toContain('this schema is broken');

    const starts = () => weir.stderr.match(/a is started anew/g)!.length;
    const before = starts();
    write(schema, 'type Query { a: String }');
    await weir.printed(/it composes again, to the supergraph that runs\./);
    // Once for the composition, and once more if the command's own watcher notices the edit after it: then the first of the
    // two may end before it answers.
    await eventually(() => starts() > before);
    const isBack = () => weir.stderr.lastIndexOf('a is back.') > weir.stderr.lastIndexOf('a is started anew');
    await eventually(async () => isBack() && JSON.stringify(await ask('{ a }')).includes('"a":"edited"'));
    expect([1, 2]).toContain(starts() - before);
  });

  it('goes on while a subgraph is away, with its last schema', async () => {
    await elsewhere.stop();
    await weir.printed(/warning SCHEMA_UNREADABLE: The schema of b .+ Its last one is used\./);
    write(schema, 'type Query { a: String, more: String }');
    await eventually(async () => 'data' in (await ask('{ more }')));
    await elsewhere.start(port);
    await weir.printed(/b answers\.[^]*b answers\./);
  });

  it('takes other options after an edit, and keeps the previous ones after a wrong one', async () => {
    const before = endpoint();
    write(options, 'path: /api\ntimeouts: { request: soon }\n');
    await weir.printed(
      /\| \S+weir\.yaml:2: `timeouts\.request` must be .+\n.*the previous options stay in use\./,
    );
    expect(await ask('{ b }')).toMatchObject({ data: { b: 'from b' } });

    write(options, `path: /other\n${protecting}`);
    await weir.printed(/the new options are live, at \S+\/other/);
    expect(await ask('{ b }', before.replace('/api', '/other'))).toMatchObject({ data: { b: 'from b' } });
  });

  it('ends everything that it has started', async () => {
    expect(children.length).toBeGreaterThan(0);
    expect(await weir.stop()).toMatchObject({ exitCode: 0 });
    await eventually(() => !children.some(({ pid }) => isAlive(pid)));
  });
});

describe('weir dev', () => {
  const run = (...args: string[]) => startCli(['dev', '--port', '0', ...args], {}).result;

  it('says that a configuration is missing, or wrong', async () => {
    const missing = join(folder, 'nowhere.yaml');
    expect(await run('--supergraph-config', missing)).toMatchObject({
      exitCode: 2,
      stderr: `error CONFIG_INVALID: ${missing} does not exist.\n`,
    });
    const wrong = join(folder, 'wrong.yaml');
    write(wrong, 'subgraphs:\n  a: { schema: { file: a.graphql }, comand: x }\n');
    const { exitCode, stderr } = await run('--supergraph-config', wrong);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('`subgraphs.a.comand` is unknown; did you mean `command`?');
    expect(stderr).toContain(`${wrong}:2:`);
  });

  it.each([
    ['--data', ['--data', 'x']],
    ['--reset', ['--reset']],
  ])('refuses %s, which is for the shop', async (flag, args) => {
    expect(await run('--supergraph-config', file, ...args)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `weir: ${flag} is for the reference graph, but ${file} is another: leave the flag out.\n`,
    });
  });

  it('says what is wrong with the options before it starts anything', async () => {
    const broken = join(folder, 'broken-options.yaml');
    write(broken, 'headers: { set: { x-key: "${NOT_SET_HERE}" } }\n');
    const { exitCode, stderr } = await run('--supergraph-config', file, '--config', broken);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^weir: \S+:1: `headers\.set\.x-key` takes the environment variable NOT_SET_HERE, .+\n$/,
    );
  });

  it('says what is wrong with the options where a port is taken, too', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port: number } = taken.address() as AddressInfo;
    const graph = join(folder, 'taken.yaml');
    const broken = join(folder, 'broken-options.yaml');
    write(
      graph,
      `subgraphs: { c: { routing_url: "http://127.0.0.1:${number}/", schema: { sdl: "type Query { c: Int }" }, command: "true" } }`,
    );
    write(broken, 'timeouts: { request: soon }\n');
    const { exitCode, stderr } = await startCli(['dev', '--supergraph-config', graph, '--config', broken], {})
      .result;
    taken.close();
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^weir: \S+:1: `timeouts\.request` must be .+\n$/);
  });

  it('takes a weir.yaml that comes while it runs, and names in it that mean no subgraph; and its end', async () => {
    const late = mkdtempSync(join(folder, 'late-'));
    const [nobody] = await freePorts(1);
    write(
      join(late, 'supergraph.yaml'),
      `subgraphs: { c: { routing_url: "http://127.0.0.1:${nobody}/", schema: { sdl: "type Query { c: Int }" } } }`,
    );
    const cli = startCli(['dev', '--port', '0', '--supergraph-config', join(late, 'supergraph.yaml')], {});
    await cli.printed(/curl/);
    write(join(late, 'weir.yaml'), 'path: /late\nsubgraphs: { d: { arrayBatching: true } }\n');
    await cli.printed(/the new options are live, at \S+\/late/);
    expect(cli.stderr).toContain('`subgraphs.d` has no effect: the supergraph has no subgraph of this name');
    rmSync(join(late, 'weir.yaml'));
    await cli.printed(/the new options are live, at \S+\/graphql/);
    expect(await cli.stop()).toMatchObject({ exitCode: 0 });
  });

  it('tells the commands beside it of subgraphs that come and go while it runs', async () => {
    const own = mkdtempSync(join(folder, 'own-'));
    const before = process.cwd();
    process.chdir(own);
    const [nobody] = await freePorts(1);
    const list = (...names: string[]) => {
      const of = (name: string) =>
        `${name}: { routing_url: "http://127.0.0.1:${nobody}/${name}", schema: { sdl: "type Query { ${name}: Int }" } }`;
      write(join(own, 'supergraph.yaml'), `subgraphs: { ${names.map(of).join(', ')} }`);
    };
    const known = () =>
      Object.keys((JSON.parse(readFileSync(runningGraphFile, 'utf8')) as { subgraphs: object }).subgraphs);
    list('c');
    const cli = startCli(['dev', '--port', '0'], {});
    await cli.printed(/curl/);
    expect(known()).toEqual(['c']);
    const report = await startCli(['report']).result;
    expect(report).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringMatching(/^One process, /),
    });
    list('c', 'e');
    await eventually(() => known().join() === 'c,e');
    list('e');
    await eventually(() => known().join() === 'e');
    expect(await cli.stop()).toMatchObject({ exitCode: 0 });
    expect(known).toThrow('ENOENT');
    process.chdir(before);
  });

  it('stops while it waits for a subgraph', async () => {
    const waiting = join(folder, 'waiting.yaml');
    const [nobody] = await freePorts(1);
    write(waiting, `subgraphs: { c: { schema: { subgraph_url: "http://127.0.0.1:${nobody}/graphql" } } }`);
    const cli = startCli(['dev', '--port', '0', '--supergraph-config', waiting], {});
    await cli.printed(/waiting for c/);
    expect(await cli.stop()).toMatchObject({ exitCode: 0 });
  });

  it('says which subgraph with a schema file is not there, and when it is', async () => {
    const away = join(folder, 'away.yaml');
    const [later] = await freePorts(1);
    const url = `http://127.0.0.1:${later}/graphql`;
    write(away, `subgraphs: { b: { routing_url: "${url}", schema: { sdl: "type Query { b: String }" } } }`);
    const cli = startCli(['dev', '--port', '0', '--supergraph-config', away], {});
    await cli.printed(/curl/);
    // The two streams are read one after the other.
    await eventually(() =>
      cli.stderr.includes(`b does not answer at ${url} yet; until it does, its fields are errors.`),
    );
    const service = new Elsewhere();
    await service.start(later!);
    await cli.printed(/b answers\./);
    await service.stop();
    await cli.stop();
  });
});

const endpoint = (): string => /Endpoint +(http:\S+)/.exec(weir.stdout)![1]!;

async function ask(query: string, url = endpoint()): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return (await response.json()) as Record<string, unknown>;
}

function write(path: string, text: string): void {
  writeFileSync(path, text);
}
