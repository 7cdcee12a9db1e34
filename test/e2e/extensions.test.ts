/** Modules of the option `extensions`, in each way in which a gateway is run. Over 300 lines: a module for each way to fail. */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { compose } from '../support/compose';
import { freePort } from '../support/free-port';
import { lambdaEvent } from '../support/lambda-events';
import { endAll, eventually, startDev, startWeir, weirMain, type WeirProcess } from '../support/process';

const root = join(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'weir-extensions-'));
const config = join(folder, 'weir.yaml');
const versionModule = join(folder, 'extensions/version.mjs');
const schema = 'type Query { a: Int }';
const writeOptions = (extensions: readonly string[], more = ''): void =>
  writeFileSync(
    config,
    `supergraph: supergraph.graphql
extensions: ${JSON.stringify(extensions)}
admin: { port: 0 }
shutdown: { delay: 0 }
lambda: { perInstance: true }
logging: { level: warn }
${more}`,
  );
/** Its answers have a version and the process that gives them; an operation of the name Refused is refused. */
const sourceOfVersion = (version: number): string => `import { GraphQLError } from 'graphql';
export const hooks = {
  onOperation(request, { name }) {
    if (name !== 'Refused') return;
    throw new GraphQLError('Not you.', { extensions: { code: 'FORBIDDEN', http: { status: 403 } } });
  },
  onAnswer: (request, answer) => ({ ...answer, extensions: { version: ${version}, pid: process.pid } }),
};
`;
const writeVersion = (version: number): void => writeFileSync(versionModule, sourceOfVersion(version));

beforeAll(() => {
  mkdirSync(join(folder, 'extensions'));
  // An extension has the packages of its folder.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'supergraph.graphql'), compose({ a: schema }));
  writeFileSync(join(folder, 'a.graphql'), schema);
  writeOptions(['./extensions/version.mjs']);
  startFaulty();
});
beforeEach(() => {
  writeOptions(['./extensions/version.mjs']);
  writeVersion(1);
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true });
});

/** Never yields, and uses no processor. */
const hang = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';

/** Each with what is printed of it. The unit test of `cli/gateway/try-extensions` has more. */
const faulty: readonly (readonly [string, string | undefined, RegExp])[] = [
  ['throws', '\nthrow new Error("boom");', /version\.mjs:2: boom\./],
  ['is missing', undefined, /version\.mjs: It does not exist\./],
];
const neverYields = [
  'never yields while it loads',
  hang,
  /version\.mjs: It did not finish loading within 10 s\./,
] as const;
const onlyInWorkers = [
  'never yields while a worker loads it',
  `import cluster from 'node:cluster';\nif (cluster.isWorker) ${hang}\nexport const hooks = {};`,
  /version\.mjs: It did not finish loading within 10 s in a worker\./,
] as const;
function writeFaulty(text: string | undefined): void {
  if (text === undefined) rmSync(versionModule);
  else writeFileSync(versionModule, text);
}

/** Gateways that start with one, all at once, in folders of their own, as some are waited for for 10 s. */
const started = new Map<string, WeirProcess>();
function startFaulty(): void {
  for (const [what, text] of [...faulty, neverYields, onlyInWorkers]) {
    const own = mkdtempSync(join(folder, 'faulty-'));
    for (const each of ['supergraph.graphql', 'node_modules'])
      symlinkSync(join(folder, each), join(own, each));
    copyFileSync(config, join(own, 'weir.yaml'));
    mkdirSync(join(own, 'extensions'));
    if (text !== undefined) writeFileSync(join(own, 'extensions/version.mjs'), text);
    const workers = what === onlyInWorkers[0] ? ['--workers', '2'] : [];
    const flags = [...workers, '--config', join(own, 'weir.yaml'), '--port', '0'];
    started.set(what, startWeir(['gateway', ...flags]));
  }
}

interface VersionAnswer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
  readonly extensions?: { readonly version: number; readonly pid: number };
}

async function ask(
  url: string,
  query = '{ __typename }',
): Promise<VersionAnswer & { readonly status: number }> {
  const response = await fetch(url, {
    method: 'POST',
    // Each request may be another worker's.
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, ...((await response.json()) as VersionAnswer) };
}

const refusedOf = async (url: string) => {
  const { status, errors } = await ask(url, 'query Refused { __typename }');
  return [status, errors?.[0]?.extensions.code];
};

describe('weir gateway --workers 2', () => {
  let gateway: WeirProcess;
  let url: string;
  let lastFailures = 0;
  beforeAll(async () => {
    writeOptions(['./extensions/version.mjs']);
    writeVersion(1);
    const port = await freePort();
    url = `http://127.0.0.1:${port}/graphql`;
    gateway = startWeir(['gateway', '--workers', '2', '--config', config, '--port', `${port}`]);
    await gateway.printed(/2 workers answer at/);
  });
  afterAll(() => gateway.stop());

  it('has an extension in both workers, and replaces it in both under load without a failed request', async () => {
    expect(await refusedOf(url)).toEqual([403, 'FORBIDDEN']);
    const answers: VersionAnswer[] = [];
    let ends = false;
    const load = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!ends) {
          answers.push(await ask(url));
          await pause(10);
        }
      }),
    );
    const workersWith = (version: number): number =>
      new Set(answers.flatMap(({ extensions }) => (extensions?.version === version ? [extensions.pid] : [])))
        .size;
    await eventually(() => workersWith(1) === 2);
    writeVersion(2);
    await gateway.printed(/the workers are replaced/);
    await eventually(() => workersWith(2) === 2);
    ends = true;
    await load;
    expect(answers.filter(({ data, extensions }) => data === undefined || extensions === undefined)).toEqual(
      [],
    );
    const afterwards = await Promise.all(Array.from({ length: 8 }, () => ask(url)));
    expect(new Set(afterwards.map(({ extensions }) => extensions?.version))).toEqual(new Set([2]));
  });

  it.each([...faulty, onlyInWorkers])(
    'keeps the last version of one that then %s',
    async (_, text, printed) => {
      writeVersion(2);
      const { extensions } = await ask(url);
      writeFaulty(text);
      const failures = () => gateway.stderr.split('the previous options stay in use').length - 1;
      await eventually(() => failures() > lastFailures);
      lastFailures = failures();
      expect(gateway.stderr.slice(gateway.stderr.lastIndexOf('`extensions.0`'))).toMatch(printed);
      expect((await ask(url)).extensions?.version).toBe(extensions!.version);
    },
  );
});

it.each([...faulty, neverYields, onlyInWorkers])(
  'a gateway ends with exit code 2 where it starts with an extension that %s',
  async (what, _, printed) => {
    const gateway = started.get(what)!;
    expect(await gateway.exit).toBe(2);
    expect(gateway.stderr).toMatch(/^weir: .*weir\.yaml:2: `extensions\.0` cannot be used: /);
    expect(gateway.stderr).toMatch(printed);
  },
);

describe('weir gateway', () => {
  it('says that it needs a restart for a changed extension, and goes on', async () => {
    const gateway = startWeir(['gateway', '--config', config, '--port', '0']);
    const [, url] = await gateway.printed(/answers at (\S+)/);
    writeVersion(2);
    await gateway.printed(/extensions have changed.*start it again/);
    expect((await ask(url!)).extensions?.version).toBe(1);
    expect(await gateway.stop()).toBe(0);
  });

  it('stops where an extension has timers', async () => {
    writeFileSync(versionModule, `setInterval(() => {}, 10);\n${sourceOfVersion(1)}`);
    const gateway = startWeir(['gateway', '--config', config, '--port', '0']);
    await gateway.printed(/answers at/);
    expect(await gateway.stop()).toBe(0);
  });

  it('does not wait for a process that an extension starts while it loads', async () => {
    writeFileSync(
      versionModule,
      `import { spawn } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      const { pid } = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
      writeFileSync(${JSON.stringify(join(folder, 'pid'))}, String(pid));
      ${sourceOfVersion(1)}`,
    );
    const check = startWeir(['gateway', '--config', config, '--check']);
    expect(await check.exit).toBe(0);
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')));
  });

  it('runs the hooks of several extensions in the order of the list, within the time of the request', async () => {
    writeFileSync(
      join(folder, 'extensions/second.js'),
      `module.exports.hooks = {
        onOperation: (request, { name }) => (name === 'Endless' ? new Promise(() => {}) : undefined),
        onAnswer: (request, answer) => ({ ...answer, extensions: { version: answer.extensions.version + 10 } }),
      };`,
    );
    writeOptions(['./extensions/version.mjs', './extensions/second.js'], 'timeouts: { request: 2s }\n');
    const gateway = startWeir(['gateway', '--config', config, '--port', '0']);
    const [, url] = await gateway.printed(/answers at (\S+)/);
    expect((await ask(url!)).extensions).toEqual({ version: 11 });
    expect((await ask(url!, 'query Endless { __typename }')).status).toBe(504);
    await gateway.stop();
  });
});

it('weir dev has extensions', async () => {
  const subgraph = createServer((_, response) => void response.end('{"data":{"a":1}}'));
  await new Promise<void>((listening) => subgraph.listen(0, '127.0.0.1', listening));
  writeFileSync(
    join(folder, 'supergraph.yaml'),
    `federation_version: =2.9.0
subgraphs:
  a: { routing_url: 'http://127.0.0.1:${(subgraph.address() as { port: number }).port}', schema: { file: a.graphql } }
`,
  );
  const dev = await startDev([], {}, weirMain, folder);
  expect((await ask(dev.url, '{ a }')).extensions?.version).toBe(1);
  writeFileSync(versionModule, '\nthrow new Error("boom");');
  await dev.printed(/version\.mjs:2: boom\.\n.*the previous options stay in use/);
  writeVersion(2);
  await dev.printed(/extensions have changed/);
  await dev.printed(/the new options are live/);
  expect((await ask(dev.url, '{ a }')).extensions?.version).toBe(1);
  await dev.stop();
  subgraph.close();
});

it('a package for Lambda has extensions', async () => {
  writeFileSync(versionModule, `await Promise.resolve();\n${sourceOfVersion(3)}`);
  const out = join(folder, 'out');
  await promisify(execFile)(process.execPath, [
    weirMain,
    'package',
    'gateway',
    '--config',
    config,
    '--out',
    out,
  ]);
  rmSync(versionModule);
  const events = ['{ __typename }', 'query Refused { __typename }'].map((query) =>
    lambdaEvent('http api', {
      method: 'POST',
      path: '/graphql',
      headers: [['content-type', 'application/json']],
      body: Buffer.from(JSON.stringify({ query })),
    }),
  );
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(root, 'test/support/packaged-process.mjs'),
    join(out, 'code/index.mjs'),
    JSON.stringify(events),
  ]);
  const [answered, refused] = (JSON.parse(stdout) as { answer: { body: string; statusCode: number } }[]).map(
    ({ answer }) => answer,
  );
  expect(JSON.parse(answered!.body)).toMatchObject({ extensions: { version: 3 } });
  expect([refused!.statusCode, JSON.parse(refused!.body).errors[0].extensions.code]).toEqual([
    403,
    'FORBIDDEN',
  ]);
});
