/**
 * Weir as people have it who do not clone it: packed, and installed in an empty folder beside their own services, which is
 * also where the checkouts of public tables have it. Over 300 lines: one installation for all of it.
 */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { subset } from 'semver';
import { dependencies, engines, version } from '../../package.json';
import { amountOf, whole } from '../support/amounts';
import { freePort } from '../support/free-port';
import { chosenPackages, installPackage, lockedPackages, neededBy } from '../support/installed-package';
import { lambdaEvent } from '../support/lambda-events';
import { readerIn, stepsOf } from '../support/page-steps';
import { endAll, eventually, startProcess, startShell, type WeirProcess } from '../support/process';

const run = promisify(execFile);
const root = join(__dirname, '../..');
/** A stand-in for the checkout of a public table, and its folder for Weir. */
const checkout = mkdtempSync(join(tmpdir(), 'weir-installed-'));
const entry = join(checkout, 'gateways/weir');
const folder = join(entry, 'package');
const inFolder = (name: string): string => join(folder, name);
const loadedBy = inFolder('loaded.json');

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  const services = ['@apollo/server', '@apollo/subgraph', 'graphql', 'graphql-http'];
  installPackage(folder, [...services, '@apollo/gateway', '@types/node', 'esbuild']);
  cpSync(join(root, 'test/support/own-services'), folder, { recursive: true });
});

afterAll(async () => {
  await endAll();
  rmSync(checkout, { recursive: true, force: true });
});

/** Starts the installed `weir`, which says at its end which packages it has loaded. */
const weir = (...args: string[]): WeirProcess =>
  startProcess(
    [
      '--require',
      join(root, 'test/support/loaded-packages.cjs'),
      inFolder('node_modules/weir/cli/weir.mjs'),
      ...args,
    ],
    { WEIR_LOADED_PACKAGES: loadedBy },
  );

const loaded = (): string[] => JSON.parse(readFileSync(loadedBy, 'utf8')) as string[];

describe('the package', () => {
  it('holds what runs, its types and its docs, and nothing that is for us alone', () => {
    const files = readdirSync(inFolder('node_modules/weir'), { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => !/[\\/]/.test(name)).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'cli',
      'dist',
      'docs',
      'package.json',
      'schema',
      'subgraphs',
    ]);
    expect(files).toEqual(
      expect.arrayContaining(
        [
          ['cli', 'help.txt'],
          ['cli', 'weir.mjs'],
          ...[
            'index.html',
            'help.html',
            'console.css',
            'console.js',
            'graphiql.html.br',
            'graphiql.licenses.txt',
          ].map((file) => ['dist', 'console', file]),
          ['dist', 'gateway', 'index.d.ts'],
          ['dist', 'cli', 'gateway-program.licenses.txt'],
          ['docs', 'configuration.schema.json'],
          ['schema', 'supergraph.yaml'],
          ['subgraphs', 'reviews', 'schema.graphql'],
        ].map((parts) => join(...parts)),
      ),
    );
    expect(files.filter((name) => /\.(?:map|tsbuildinfo|test\.js|tgz)$|(?<!\.d)\.ts$/.test(name))).toEqual(
      [],
    );
  });
});

/** The newest ones change without us, and npm takes ten seconds of a processor to find them. */
describe.each(['locked', ...whole('newest')])('the %s versions of all dependencies', (which) => {
  it('run on every Node that Weir takes', () => {
    const needed = () => neededBy(lockedPackages(), Object.keys(dependencies));
    const chosen = Object.entries(which === 'locked' ? needed() : chosenPackages(folder));
    expect(chosen.length).toBeGreaterThan(250);
    // 460 when each option brought its packages.
    expect(chosen.length).toBeLessThanOrEqual(360);
    const refuses = chosen.filter(
      ([, { engines: theirs }]) => theirs?.node !== undefined && !subset(engines.node, theirs.node),
    );
    expect(refuses.map(([path]) => path)).toEqual([]);
  });
});

describe('the command of the gateway', () => {
  it('has the licenses of what it holds beside it, none of which is elastic', () => {
    const licenses = readFileSync(
      inFolder('node_modules/weir/dist/cli/gateway-program.licenses.txt'),
      'utf8',
    );
    expect(licenses).toMatch(/^fastify \S+ \(MIT\)$/m);
    expect(licenses).not.toContain('Elastic');
  });
});

describe('weir', () => {
  it('runs as `npx --no-install weir`', () => {
    expect(
      execFileSync('npx', ['--no-install', 'weir', '--version'], { cwd: folder, encoding: 'utf8' }),
    ).toBe(`${version}\n`);
  });

  it('loads nothing for its help, and for a command at first only what reads the command line', async () => {
    const help = weir('--help');
    expect(await help.exit).toBe(0);
    expect(help.stdout).toContain('Usage: weir');
    expect(loaded()).toEqual([]);

    expect(await weir('completion', 'bash').exit).toBe(0);
    expect(loaded()).toEqual(['commander']);
  });
});

describe('an optional package that is missing', () => {
  const missing = (option: string, ...packages: string[]): string =>
    packages.length === 1
      ? `\`${option}\` needs the package ${packages[0]}, which is not installed: run \`npm install ${packages[0]}@`
      : `\`${option}\` needs the packages ${packages.join(' and ')}, which are not installed: run \`npm install ${packages[0]}@`;

  it('is named for each option that needs it, before a start', async () => {
    const options = inFolder('optional.yaml');
    const stock = 'arn:aws:sns:eu-west-1:123456789012:stock';
    writeFileSync(
      options,
      JSON.stringify({
        supergraph: 's3://bucket/supergraph.graphql',
        auth: { lambda: { function: 'authorise' } },
        cache: { store: 'redis://127.0.0.1', cdn: { cloudFront: { distribution: 'E2QWRUHAPOMQZL' } } },
        events: { sources: { stock: { type: 'sqs', topic: stock } } },
        subgraphs: { stock: { url: 'cloudmap://shop.internal/stock' } },
      }),
    );

    for (const flags of [['--check'], []]) {
      const gateway = weir('gateway', '--config', options, ...flags);
      expect(await gateway.exit).toBe(2);
      expect(gateway.stderr.trimEnd().split('\n')).toEqual(
        [
          missing('supergraph.url', '@aws-sdk/client-s3'),
          missing('auth.lambda.function', '@aws-sdk/client-lambda'),
          missing('cache.store', 'ioredis'),
          missing('cache.cdn.cloudFront', '@aws-sdk/client-cloudfront'),
          missing('events.sources.stock', '@aws-sdk/client-sns', '@aws-sdk/client-sqs'),
          missing('subgraphs.stock.url', '@aws-sdk/client-servicediscovery'),
        ].map((sentence) => expect.stringContaining(sentence)),
      );
    }
  });

  it('is named by a command that needs it', async () => {
    const verify = weir('audit', 'verify', 's3://archive/events');
    expect(await verify.exit).toBe(2);
    expect(verify.stderr).toContain(
      'An `s3:` URL needs the package @aws-sdk/client-s3, which is not installed: run `npm install @aws-sdk/client-s3@3`',
    );
  });

  it('is named where a package would need it', async () => {
    const options = inFolder('optional-lambda.yaml');
    writeFileSync(
      options,
      'supergraph: node_modules/weir/schema/supergraph.graphql\nlambda: { perInstance: true }\nauth: { lambda: { function: authorise } }\n',
    );
    const packed = weir('package', 'gateway', '--config', options, '--out', inFolder('optional'));
    expect(await packed.exit).toBe(2);
    expect(packed.stderr).toContain(missing('auth.lambda.function', '@aws-sdk/client-lambda'));
  });

  it('is named where the package of a subgraph would need it, and replaces no earlier one', async () => {
    const folder = inFolder('consumer');
    mkdirSync(folder);
    writeFileSync(join(folder, 'schema.graphql'), 'type Query { hello: String }');
    writeFileSync(
      join(folder, 'index.mjs'),
      `import { defineConsumer, defineSubgraph, lambdaHandler } from 'weir/subgraph';
       const from = { orders: { placed: { 1: { parse: (data) => data } } } };
       const consumer = defineConsumer({ name: 'stock', from, handle: async () => {} });
       export const handler = lambdaHandler(defineSubgraph({
         name: 'consumer', schema: import.meta.dirname + '/schema.graphql', resolvers: {}, consumers: [consumer],
         options: { ordersUrl: { default: 'http://127.0.0.1:1/graphql', description: 'Of orders.' } },
       }));`,
    );
    const packed = weir('package', 'subgraph', join(folder, 'index.mjs'), '--out', join(folder, 'out'));
    expect(await packed.exit).toBe(2);
    expect(packed.stderr).toMatch(
      /^weir: The channel sns-sqs needs the packages @aws-sdk\/client-sns and @aws-sdk\/client-sqs, /,
    );
    expect(existsSync(join(folder, 'out', 'code'))).toBe(false);
  });
});

describe('a new graph', () => {
  it('is asked for where there is none: the sample shop is for a clone', async () => {
    const dev = weir('dev', '--port', '0');
    expect(await dev.exit).toBe(2);
    expect(dev.stderr).toBe(
      'weir: there is no supergraph.yaml here: `weir init` writes one, and --supergraph-config FILE names another.\n',
    );
  });

  it('is written by `weir init` and run by `weir dev`', async () => {
    const graph = inFolder('graph');
    expect(await weir('init', graph).exit).toBe(0);
    const dev = weir('dev', '--supergraph-config', join(graph, 'supergraph.yaml'), '--port', '0');
    const [, url] = await dev.printed(/Endpoint +(http:\S+)/);

    const response = await fetch(url!, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ products { name } }"}',
    });

    expect(await response.json()).toMatchObject({
      data: { products: [{ name: 'The first of products' }, { name: 'The second of products' }] },
    });
    expect(await dev.stop()).toBe(0);
  });
});

describe('a page that leads from an empty folder to an answer', () => {
  const readPage = (name: string): string => readFileSync(join(root, 'docs', name), 'utf8');

  it.each([
    ['tables.md', readPage('tables.md').split('\n## Defining a table\n')[0]!],
    ['workflows.md', readPage('workflows.md').split('\n## Tasks\n')[0]!],
  ])('runs as it is copied from docs/%s', async (name, page) => {
    const empty = inFolder(name);
    mkdirSync(empty);
    const reader = readerIn(empty);
    for (const step of stepsOf(page)) await reader.take(step);
    await reader.stop();
  });
});

describe('two services of different teams', () => {
  const config = inFolder('supergraph.yaml');
  const supergraph = inFolder('supergraph.graphql');
  const options = inFolder('weir.yaml');
  const registry = ['--registry', inFolder('registry'), '--graph', 'own@dev'];
  let addresses: { readonly name: string; readonly url: string }[];

  beforeAll(async () => {
    const start = async (name: string) => {
      const service = startProcess([inFolder(`${name}.mjs`)]);
      const [, url] = await service.printed(/ready at (\S+)/);
      return [name, { routing_url: url!, schema: { subgraph_url: url! } }] as const;
    };
    const subgraphs = await Promise.all(['products', 'reviews'].map(start));
    addresses = subgraphs.map(([name, { routing_url: url }]) => ({ name, url }));
    writeFileSync(
      config,
      JSON.stringify({ federation_version: '=2.14.4', subgraphs: Object.fromEntries(subgraphs) }),
    );
    expect(await weir('compose', config, '--out', supergraph).exit).toBe(0);
    writeFileSync(options, 'supergraph: supergraph.graphql\nport: 0\nadmin: { port: 0 }\n');
  });

  it('are checked with the options of the gateway, which names them', async () => {
    const check = weir('gateway', '--config', options, '--check');

    expect(await check.exit).toBe(0);
    expect(check.stdout).toContain('products, reviews');
  });

  it('answer one query together, and the gateway loads no package that its options do not ask for', async () => {
    const gateway = weir('gateway', '--config', options);
    const [, url] = await gateway.printed(/weir: the gateway answers at (http:\S+)/);

    const response = await fetch(url!, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ products { name reviews { text } } }"}',
    });

    expect(await response.json()).toEqual({
      data: {
        products: [
          { name: 'Trowel', reviews: [{ text: 'Sturdy.' }] },
          { name: 'Rake', reviews: [] },
        ],
      },
    });
    expect(await gateway.stop()).toBe(0);
    expect(loaded()).toEqual([]);
    // On every version of Node that `.ci/full` tries.
    expect(gateway.stdout).toMatch(/"path":"\/graphql".*"status":200/);
  });

  it('are published to a folder, and checked against it', async () => {
    expect(await weir('publish', '--config', config, ...registry).exit).toBe(0);
    const schema = inFolder('reviews.graphql');
    const write = (type: string) =>
      writeFileSync(
        schema,
        `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
        type Product @key(fields: "id") { id: ID! reviews: [Review!]! }
        type Review { ${type} }`,
      );

    write('text: String! stars: Int');
    expect(await weir('check', 'reviews', '--schema', schema, ...registry).exit).toBe(0);

    write('stars: Int');
    const breaking = weir('check', 'reviews', '--schema', schema, ...registry);
    expect(await breaking.exit).toBe(1);
    expect(breaking.stdout).toContain('Field `text` was removed from object type `Review`');
  });

  /** Runs a program of the folder's packages, in which `answerOf` sends a query to a handler. */
  const program = (code: string) =>
    run(process.execPath, ['--eval', code, JSON.stringify(lambdaEvent('http api', sent))], { cwd: folder });
  const query = '{ products { name reviews { text } } }';
  const sent = {
    method: 'POST',
    path: '/graphql',
    headers: [['content-type', 'application/json']] as const,
    body: Buffer.from(JSON.stringify({ query })),
  };
  const answer = {
    data: {
      products: [
        { name: 'Trowel', reviews: [{ text: 'Sturdy.' }] },
        { name: 'Rake', reviews: [] },
      ],
    },
  };
  const answerAt = async (url: string): Promise<unknown> =>
    (
      await fetch(url, { method: 'POST', headers: { ...Object.fromEntries(sent.headers) }, body: sent.body })
    ).json();

  /** Starts a gateway whose source is a manager. */
  const managed = (manager: string): string => `
    const { startGateway } = require('weir');
    const [products] = ${JSON.stringify(addresses)};
    startGateway({ supergraph: ${manager}, port: 0, admin: { enabled: false }, logging: { level: 'error' } })
      .then((gateway) => (console.log('runs'), gateway.stop()))
      .catch((error) => console.log(error.message));`;

  it('run with a SupergraphManager of Apollo, whose package is installed beside Weir', async () => {
    const subgraphs = JSON.stringify(addresses);
    const { stdout } = await program(
      managed(`new (require('@apollo/gateway').IntrospectAndCompose)({ subgraphs: ${subgraphs} })`),
    );
    expect(stdout).toBe('runs\n');
  });

  describe('where all packages under the Elastic License are deleted', () => {
    const aside = inFolder('aside');
    let deleted: string[];

    beforeAll(() => {
      deleted = elasticPackages();
      for (const path of deleted) {
        mkdirSync(dirname(join(aside, path)), { recursive: true });
        renameSync(inFolder(path), join(aside, path));
      }
    });

    afterAll(() => {
      for (const path of deleted) renameSync(join(aside, path), inFolder(path));
    });

    it('are Apollo’s for composition, and none of a gateway', () => {
      expect(deleted.map((path) => path.slice('node_modules/@apollo/'.length)).sort()).toEqual([
        'composition',
        'federation-internals',
        'gateway',
        'query-graphs',
        'query-planner',
      ]);
    });

    it('are served from a file by workers', async () => {
      const gateway = weir('gateway', '--config', options, '--workers', '2');
      const [, url] = await gateway.printed(/weir: 2 workers answer at (http:\S+)/);

      expect(await answerAt(url!)).toEqual(answer);
      expect(await gateway.stop()).toBe(0);
    });

    it('are served from a registry, with a console that shows the schema', async () => {
      const adminPort = await freePort();
      const config = inFolder('console.yaml');
      writeFileSync(
        config,
        `supergraph: { registry: registry, graph: own@dev }\nport: 0\nadmin: { port: ${adminPort} }\n`,
      );
      const gateway = weir('gateway', '--config', config);
      const [, url] = await gateway.printed(/weir: the gateway answers at (http:\S+)/);

      expect(await answerAt(url!)).toEqual(answer);
      const view = await fetch(`http://127.0.0.1:${adminPort}/console/api/schema`);
      const schema = (await view.json()) as { readonly types: object[] };
      expect(schema.types).toContainEqual(expect.objectContaining({ name: 'Review' }));
      expect(schema).toMatchObject({ troubles: [] });
      expect(await gateway.stop()).toBe(0);
    });

    it('answer on Lambda, from options and from a package', async () => {
      const answered = (open: string) =>
        program(`Promise.resolve(${open}).then((handler) => handler(JSON.parse(process.argv[1]), {}))
          .then(({ body }) => { console.log(body); process.exit(); });`);
      const own = `require('weir/lambda').createHandler({
        supergraph: 'supergraph.graphql', lambda: { perInstance: true }, logging: { level: 'error' } })`;
      expect(JSON.parse((await answered(own)).stdout)).toEqual(answer);

      const config = inFolder('lambda.yaml');
      writeFileSync(
        config,
        'supergraph: supergraph.graphql\nlambda: { perInstance: true }\nlogging: { level: error }\n',
      );
      const packed = weir('package', 'gateway', '--config', config, '--out', inFolder('packed'));
      expect([await packed.exit, packed.stderr]).toEqual([0, expect.stringContaining('has the gateway')]);
      const handler = `import('./packed/code/index.mjs').then(({ handler }) => handler)`;
      expect(JSON.parse((await answered(handler)).stdout)).toEqual(answer);
    });

    it('are not composed: commands say which package is missing, and how to install it', async () => {
      const schema = inFolder('reviews.graphql');
      const commands = [
        ['compose', config],
        ['dev', '--supergraph-config', config, '--port', '0'],
        ['check', 'reviews', '--schema', schema, ...registry],
        ['publish', 'reviews', '--schema', schema, ...registry],
      ].map((args) => weir(...args));

      for (const command of commands)
        expect([await command.exit, command.stderr]).toEqual([
          2,
          'weir: composition needs the packages @apollo/composition and @apollo/federation-internals, which are not installed: run `npm install @apollo/composition@2`.\n',
        ]);
    });

    it('have no SupergraphManager that calls them: its package is missing, and the gateway says so', async () => {
      const { stdout } = await program(
        managed('{ initialize: async ({ getDataSource }) => getDataSource(products).process({}) }'),
      );
      expect(stdout).toContain(
        'A SupergraphManager that calls subgraphs needs the package @apollo/gateway, which is not installed: run `npm install @apollo/gateway@2`.',
      );
    });
  });
});

/** The paths of the installed packages under the Elastic License. */
function elasticPackages(): string[] {
  const installed = Object.keys(
    (JSON.parse(readFileSync(inFolder('package-lock.json'), 'utf8')) as { packages: object }).packages,
  );
  return installed.filter((path) => {
    const about = join(folder, path, 'package.json');
    if (path === '' || !existsSync(about)) return false;
    const { license } = JSON.parse(readFileSync(about, 'utf8')) as { readonly license?: unknown };
    return /elastic/i.test(JSON.stringify(license ?? ''));
  });
}

describe('a program in TypeScript', () => {
  const program = `
    import { startGateway, type Hooks, type RunningGateway } from 'weir';
    import { OptionsError } from 'weir/gateway';
    import { composeSupergraph, type Composition } from 'weir/schema';
    import { defineSubgraph, type Subgraph } from 'weir/subgraph';

    const hooks: Hooks = { onRequest: ({ headers }) => void headers };
    const compose: (...args: Parameters<typeof composeSupergraph>) => Composition = composeSupergraph;
    const define: (...args: Parameters<typeof defineSubgraph>) => Subgraph = defineSubgraph;
    async function main(): Promise<void> {
      const gateway: RunningGateway = await startGateway({
        supergraph: 'node_modules/weir/schema/supergraph.graphql',
        port: 0,
        admin: { enabled: false },
        logging: { level: 'error' },
        hooks,
      });
      // @ts-expect-error An address is text: whoever sees no types sees no mistake.
      const address: number = gateway.url;
      const response = await fetch(String(address), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"query":"{ __typename }"}',
      });
      console.log(await response.text(), typeof compose, typeof define, OptionsError.name);
      await gateway.stop();
    }
    void main();
  `;

  /** What the compiler finds in the files, and in the declaration files of the package. */
  async function problemsOf(files: string[], options: object, compiler = 'typescript-7'): Promise<string> {
    for (const file of files) writeFileSync(inFolder(file), program);
    const all = { target: 'es2022', strict: true, types: ['node'], outDir: 'out', skipLibCheck: false };
    writeFileSync(
      inFolder('tsconfig.json'),
      JSON.stringify({ files, compilerOptions: { ...all, ...options } }),
    );
    const tsc = join(root, 'node_modules', compiler, 'bin/tsc');
    const printed = await run(process.execPath, [tsc, '--pretty', 'false', '-p', folder], {
      cwd: folder,
    }).then(
      ({ stdout }) => stdout,
      (failed: unknown) => (failed as { readonly stdout: string }).stdout,
    );
    const ofOthers = /^node_modules\/(?!weir\/)|^node_modules\/weir\/node_modules\/|^ /;
    return printed
      .split('\n')
      .filter((line) => !ofOthers.test(line))
      .join('\n');
  }

  it('compiles with bundler', async () => {
    const options = { module: 'esnext', moduleResolution: 'bundler', noEmit: true };
    expect(await problemsOf(['program.ts'], options)).toBe('');
  });

  // TypeScript 7 does not have it any more, and what has it takes half a minute.
  (amountOf('WEIR_NODE10', 0, 1) > 0 ? it : it.skip)('compiles with node10', async () => {
    const options = {
      module: 'commonjs',
      moduleResolution: 'node10',
      ignoreDeprecations: '6.0',
      noEmit: true,
    };
    expect(await problemsOf(['program.ts'], options, 'typescript')).toBe('');
  });

  it('compiles with nodenext, and runs as an ES module and as CommonJS', async () => {
    expect(await problemsOf(['program.mts', 'program.cts'], { module: 'nodenext' })).toBe('');
    const outputs = await Promise.all(
      ['out/program.mjs', 'out/program.cjs'].map((file) => run(process.execPath, [file], { cwd: folder })),
    );
    for (const { stdout } of outputs)
      expect(stdout).toBe('{"data":{"__typename":"Query"}} function function OptionsError\n');
  });
});

describe('an entry of a public table', () => {
  const supergraph = readFileSync(join(root, 'schema/supergraph.graphql'));

  /** What our entries use of the checkouts. */
  beforeAll(() => {
    const other = join(checkout, 'gateways/other');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, 'supergraph.graphql'), supergraph);
    writeFileSync(join(checkout, 'config.toml'), '[gateways.other]\n');
  });

  const lay = (...args: string[]) => layWith({}, ...args);
  const layWith = (env: Readonly<Record<string, string>>, ...args: string[]) =>
    run(process.execPath, [join(root, 'bench/entries/install-into.mjs'), ...args], {
      env: { ...process.env, npm_config_offline: 'true', ...env },
    });

  /** The path with an `npm` before all others that installs nothing, but writes its arguments to a file. */
  function pathWithoutNpm(file: string): string {
    const bin = join(checkout, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho "$@" >'${file}'\n`, { mode: 0o755 });
    return `${bin}${delimiter}${process.env['PATH']}`;
  }

  const tarball = (): string => inFolder(readdirSync(folder).find((name) => name.endsWith('.tgz'))!);

  /** Starts the entry as the checkout does, but at a free port, and asks for what the checkout waits for. */
  async function answersOf(line: string): Promise<unknown[]> {
    const urlFile = join(checkout, 'url');
    const started = startShell(`WEIR_PORT=0 WEIR_URL_FILE=${urlFile} exec ${line}`, entry);
    let url = '';
    await eventually(() => (url = readFileSync(urlFile, { encoding: 'utf8', flag: 'a+' }).trim()) !== '');
    const { health } = JSON.parse(readFileSync(join(root, 'bench/entries/audit/gateway.json'), 'utf8')) as {
      readonly health: string;
    };
    const ready = await fetch(new URL(new URL(health).pathname, url));
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __typename __schema { queryType { name } } }"}',
    });
    const answers = [ready.status, await answer.json()];
    started.signal('SIGTERM');
    return [...answers, await started.exit];
  }
  const expected = [200, { data: { __typename: 'Query', __schema: { queryType: { name: 'Query' } } } }, 0];

  it('lays Weir into the audit, which starts it with the supergraph of a suite', async () => {
    await lay('audit', checkout, '--no-run', '--package', tarball());
    const served: (string | undefined)[] = [];
    const audit = createServer(({ url }, response) => {
      served.push(url);
      response.end(supergraph);
    }).listen(0, '127.0.0.1');
    await once(audit, 'listening');
    const { port } = audit.address() as AddressInfo;
    expect(await answersOf(`env AUDIT_URL=http://127.0.0.1:${port} sh ./run.sh simple-entity-call`)).toEqual(
      expected,
    );
    audit.closeAllConnections();
    audit.close();
    expect(served).toContain('/simple-entity-call/supergraph');
  });

  it('lays Weir into the benchmark of Hive, with the supergraph of another gateway', async () => {
    // The audit's entry has installed the package with the same script, which takes npm eight seconds of a processor.
    const args = join(checkout, 'npm-arguments');
    await layWith(
      { PATH: pathWithoutNpm(args) },
      ...['hive-benchmark', checkout, '--no-run', '--package', tarball()],
    );
    expect(readFileSync(args, 'utf8')).toBe(
      `install --prefix package --no-audit --no-fund --loglevel=error ${tarball()}\n`,
    );
    expect(await answersOf('./run.sh')).toEqual(expected);
  });

  it('lays Weir into the benchmark of Grafbase, once', async () => {
    for (let round = 0; round < 2; round++) await lay('grafbase-benchmark', checkout, '--no-run');
    expect(readFileSync(join(checkout, 'config.toml'), 'utf8').match(/^\[gateways\.\w+\]$/gm)).toEqual([
      '[gateways.other]',
      '[gateways.weir]',
    ]);
  });

  it.each([
    [['adit', checkout], 'ENTRY must be one of audit, hive-benchmark, grafbase-benchmark, but got: adit.'],
    [['audit', root], `CHECKOUT must have a folder \`gateways\`, but ${root} has none.`],
    [['audit', checkout, '--package', '$(x)'], '--package must be a path, a URL or a name, but got: $(x).'],
  ])('refuses %j', async (args, message) => {
    await expect(lay(...args)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
});
