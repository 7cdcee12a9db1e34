/** The examples of README and docs that call the sample shop by `curl` are run, and print what the pages say. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { developmentCredentials } from '../../cli/dev/credentials';
import { loadOptions } from '../../gateway';
import { type Example, examplesOf, fits, pages, runsIn } from '../support/documentation';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type Shop, startShop } from '../support/shop';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

const calls = pages()
  .flatMap((page) => examplesOf(page))
  .filter(({ language, text }) => ['sh', 'console'].includes(language) && /\bcurl\b/.test(text))
  .map((example): [string, Example] => [example.at, example]);

/** Examples that call other servers than the sample shop. */
const elsewhere: { readonly page: string; readonly call: string; readonly because: string }[] = [
  {
    page: 'docs/identity.md',
    call: '{ user(id: \\"u1\\") { name notes { text } } }',
    because: 'it calls the graph whose schema stands above it: see below',
  },
  {
    page: 'docs/getting-started.md',
    call: '',
    because: 'test/e2e/getting-started.test.ts runs the whole page, in an empty folder',
  },
  {
    page: 'docs/dev-over.md',
    call: '',
    because: 'test/e2e/dev-over.test.ts runs the whole page, in an empty folder',
  },
  ...['docs/sources-graphql.md', 'docs/sources-rest.md'].map((page) => ({
    ...{ page, call: '', because: 'test/e2e/sources-pages.test.ts runs the whole page, in an empty folder' },
  })),
  ...[
    { page: 'docs/tables.md', call: '' },
    { page: 'docs/workflows.md', call: 'boat' },
  ].map((each) => ({ ...each, because: 'test/e2e/installed.test.ts runs it, in an empty folder' })),
  {
    page: 'docs/realtime.md',
    call: 'accept: text/event-stream',
    because: 'its answer does not end: test/integration/shop-subscriptions.test.ts subscribes to each field',
  },
];
/** Pages that say how to configure a gateway: their calls are made to one that has these options. */
const tasks = pages().filter((page) => page.startsWith('docs/tasks/'));

const isElsewhere = ({ page, text }: Example) =>
  elsewhere.some((each) => each.page === page && text.includes(each.call));

const missing = ['bash', 'curl', 'openssl', 'sha256sum'].filter(
  (program) => spawnSync(program, ['--help']).error !== undefined,
);
const described = missing.length === 0 ? describe : describe.skip;
if (missing.length > 0)
  it.skip(`the calls of README and docs: there is no ${missing.join(' and no ')} here`, () => undefined);

const token = 'the-token-of-the-admin-port';
const linkKey = 'the-key-of-the-links-in-this-test';
let shop: Shop;

beforeAll(async () => {
  shop = await startShop({ linkKey, sources: true });
});
afterAll(() => shop.stop());

described('a call of the sample shop', () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    const { auth } = await developmentCredentials();
    gateway = await startTestGateway({
      supergraph: sourceOf(shop.supergraphSdl),
      mode: 'development',
      auth,
      admin: { port: 0, token },
      privateLinks: { keys: [linkKey] },
      subgraphs: { shipping: { appsync: { auth: { type: 'API_KEY', apiKey: shop.apiKey } } } },
    });
  });
  afterAll(() => gateway.stop());

  it.each(calls.filter(([, example]) => !isElsewhere(example) && !tasks.includes(example.page)))(
    'at %s prints what the page says',
    (_, example) =>
      expectAsWritten(example, {
        4000: gateway.url,
        4004: shop.urls.reviews,
        4006: /@join__graph\(name: "shipping", url: "([^"]*)"\)/.exec(shop.supergraphSdl)![1]!,
        9464: gateway.adminUrl!,
      }),
  );
});

(missing.length === 0 ? it : it.skip)(
  'a call of the graph that docs/identity.md protects prints what the page says',
  async () => {
    const all = examplesOf('docs/identity.md');
    const typeDefs = all.find(
      ({ language, text }) => language === 'graphql' && text.includes('@policy'),
    )!.text;
    const example = all.find(isElsewhere)!;
    let people: TestSubgraph | undefined;
    let gateway: TestGateway | undefined;
    try {
      people = await startSubgraph({
        name: 'people',
        typeDefs,
        resolvers: { Query: { user: () => ({ id: 'u1', name: 'Ada', notes: [{ text: 'secret' }] }) } },
      });
      gateway = await startTestGateway({ supergraph: sourceOf(compose([people])) });
      await expectAsWritten(example, { 4000: gateway.url });
    } finally {
      await gateway?.stop();
      await people?.close();
    }
  },
);

described('a page that says how to do something', () => {
  let issuer: TokenIssuer;
  beforeAll(async () => {
    issuer = await startTokenIssuer();
  });
  afterAll(() => issuer.close());

  it.each(tasks)('does what it says: %s', async (page) => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-docs-'));
    const env = { JWT: await issuer.token(), ADMIN_TOKEN: token };
    let gateway: TestGateway | undefined;
    try {
      for (const example of examplesOf(page)) {
        const { language, text, file = 'weir.yaml' } = example;
        if (!['sh', 'console'].includes(language)) {
          // What follows the start of the gateway is said beside it.
          if (gateway === undefined && language !== 'graphql')
            writeFileSync(join(folder, file), text.replaceAll('https://login.example.com/', issuer.url));
        } else if (/\bweir gateway\b/.test(text)) {
          const options = loadOptions({
            config: join(folder, 'weir.yaml'),
            env,
          });
          gateway = await startTestGateway({
            ...options,
            supergraph: sourceOf(shop.supergraphSdl),
            port: 0,
            admin: { ...options.admin, host: '127.0.0.1', port: 0 },
            privateLinks: { keys: [linkKey] },
          });
        } else {
          const { url, adminUrl } = gateway ?? {};
          await expectAsWritten(
            example,
            { ...(url && { 4000: url, 9464: adminUrl! }) },
            { cwd: folder, env },
          );
        }
      }
      expect(gateway).toBeDefined();
    } finally {
      await gateway?.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

interface Where {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

async function expectAsWritten(
  example: Example,
  urls: Record<number, string>,
  where: Where = {},
): Promise<void> {
  const runs = runsIn(example);
  const printed = await run(
    runs.map(({ command }) => command),
    urls,
    where,
  );
  expect(printed.length).toBe(runs.length);
  const answer = answerAfter(example);
  for (const [index, { output = answer }] of runs.entries()) {
    if (output === undefined) continue;
    const actual = withoutDevelopment(printed[index]!);
    expect(actual).toEqual(fits(printed[index]!, output) ? actual : withoutDevelopment(output));
  }
}

/**
 * What each command prints, one after the other in one shell, with the ports of `npm start` at those of this test. Other
 * commands than `curl` that start something do nothing.
 */
async function run(commands: string[], urls: Record<number, string>, { cwd, env }: Where): Promise<string[]> {
  const ports = Object.entries(urls).map(
    ([port, url]) => `args=("\${args[@]/:${port}/:${new URL(url).port}}")`,
  );
  const script = [
    'set -u',
    'weir() { :; }; npx() { :; }; npm() { :; }',
    'curl() { local args=("$@")',
    ...ports,
    'command curl --silent --show-error "${args[@]}"; }',
    ...commands.flatMap((command) => [command, "printf '\\0'"]),
  ].join('\n');
  const options = { cwd, env: { ...process.env, TOKEN: token, ...env } };
  return new Promise((resolve, reject) =>
    execFile('bash', ['-c', script], options, (error, stdout, stderr) => {
      if (error || /^(curl|bash): /m.test(stderr)) reject(new Error(stderr, { cause: error }));
      else resolve(stdout.split('\0').slice(0, -1));
    }),
  );
}

/** A block of JSON that is the next one after an example of shell. */
function answerAfter({ at, page }: Example): string | undefined {
  const all = examplesOf(page);
  const next = all[all.findIndex((example) => example.at === at) + 1];
  return next?.language === 'json' ? next.text : undefined;
}

/** JSON as a value, without what development adds, as the pages have it; anything else as its lines. */
function withoutDevelopment(output: string): Json {
  try {
    const answer = JSON.parse(output);
    delete answer.extensions?.weir;
    if (Object.keys(answer.extensions ?? { any: 1 }).length === 0) delete answer.extensions;
    return answer;
  } catch {
    return output.replaceAll('\r', '').trim();
  }
}
