/** Where options come from: the environment, secret files, flags; and the place that a mistake in them is said to have. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadOptions, OptionsError, readOptions } from '../../../../gateway/options';

const folder = mkdtempSync(join(tmpdir(), 'weir-sources-'));
const config = join(folder, 'weir.yaml');
mkdirSync(join(folder, 'secrets'));

afterAll(() => rmSync(folder, { recursive: true }));

const read = (yaml: string, given: LoadOptions = {}) => {
  writeFileSync(config, yaml);
  return readOptions({ config, env: {}, ...given });
};
const load = (yaml: string, given?: LoadOptions) => read(yaml, given).options;

function problemsOf(yaml: string, given?: LoadOptions): string[] {
  try {
    load(yaml, given);
  } catch (error) {
    if (error instanceof OptionsError) return error.problems.map((each) => each.replaceAll(`${folder}/`, ''));
    throw error;
  }
  throw new Error('Nothing was wrong.');
}

const apiKey = 'subgraphs:\n  a:\n    auth: { type: API_KEY, key: "${KEY}" }';

describe('a value from the environment', () => {
  it.each(['0123', '42', 'true', '1e3'])('is text where text is wanted: %s', (KEY) => {
    expect(load(apiKey, { env: { KEY } }).subgraphs['a']?.auth).toMatchObject({ key: KEY });
    expect(load('host: ${KEY}', { env: { KEY } }).host).toBe(KEY);
    expect(load('headers: { set: { x-key: "${KEY}" } }', { env: { KEY } }).headers.set).toEqual({
      'x-key': KEY,
    });
  });

  it('is a number or a boolean where one is wanted, quoted or not, in lists and maps of any name', () => {
    const options = load(
      [
        'port: "${N}"',
        'calls: { dedupe: "${NO}" }',
        'breaker: { failures: "${SHARE}" }',
        'timeouts: { request: "${N}", subgraph: "${TIME}" }',
        'limits: { body: "${N}", classes: [{ depth: "${N}", introspection: "${YES}" }] }',
        'subgraphs: { a: { arrayBatching: "${YES}", timeout: "${N}" } }',
        'overrides: { label: "${SHARE}" }',
        'rates: [{ name: a, per: client, limit: "${N}", window: "${WINDOW}" }]',
      ].join('\n'),
      { env: { N: '500', NO: 'false', YES: 'true', SHARE: '0.25', TIME: '2s', WINDOW: '2000' } },
    );
    expect(options).toMatchObject({
      port: 500,
      calls: { dedupe: false },
      breaker: { failures: 0.25 },
      timeouts: { request: 500, subgraph: 2000 },
      limits: { body: 500, classes: [{ depth: 500, introspection: true }] },
      subgraphs: { a: { arrayBatching: true, timeout: 500 } },
      overrides: { label: 0.25 },
      rates: [{ limit: 500, window: 2000 }],
    });
  });

  it('that is written out is what YAML says it is', () => {
    expect(problemsOf('port: "4000"')).toEqual([
      'weir.yaml:1: `port` must be a whole number from 0 to 65535, but got: "4000".',
    ]);
    expect(problemsOf('host: 4000')).toEqual(['weir.yaml:1: `host` must be text, but got: 4000.']);
  });

  it('is refused with its variable, and only as what it can be', () => {
    expect(problemsOf('host: a\nport: ${P}', { env: { P: '70000' } })).toEqual([
      'weir.yaml:2: `port` must be a whole number from 0 to 65535, but got: 70000 (from ${P}).',
    ]);
    expect(problemsOf('admin:\n  token: ${T}', { env: { T: '1234' } })).toEqual([
      'weir.yaml:2: `admin.token` must be at least 16 letters, digits and any of -._~+/ (from ${T}).',
    ]);
    expect(problemsOf('limits: { body: "${S}" }', { env: { S: '0' } })).toEqual([
      'weir.yaml:1: `limits.body` must be from 1B to 1GiB, but got: 0 (from ${S}).',
    ]);
  });

  it('as a flag, keeps its digits, and leaves what it was given with alone', () => {
    const flags = { supergraph: '0123', admin: { port: '0' }, port: '81' };
    expect(readOptions({ flags, env: {} }).options).toMatchObject({
      supergraph: { file: '0123' },
      admin: { port: 0 },
      port: 81,
    });
    expect(flags).toEqual({ supergraph: '0123', admin: { port: '0' }, port: '81' });
  });
});

describe('a value from a file', () => {
  const token = 'a-token-for-operators';

  it('is the content without the last line break, relative to the folder of the options', () => {
    writeFileSync(join(folder, 'secrets', 'token'), `${token}\n`);
    writeFileSync(join(folder, 'secrets', 'windows'), `${token}\r\n`);
    writeFileSync(join(folder, 'secrets', 'lines'), 'first\nsecond\n\n');
    const of = (reference: string) => load(`admin: { token: '\${file:${reference}}' }`).admin.token;
    expect(of('secrets/token')).toBe(token);
    expect(of('./secrets/windows')).toBe(token);
    expect(of(join(folder, 'secrets/token'))).toBe(token);
    const { options } = read('audit:\n  key: ${file:secrets/lines}-and-more');
    expect(options.audit.key).toBe('first\nsecond\n-and-more');
  });

  it('may be a part of a text, and a number', () => {
    writeFileSync(join(folder, 'secrets', 'port'), '81\n');
    const options = load(
      'port: ${file:secrets/port}\nsubgraphs: { a: { auth: { type: BEARER, token: "x-${file:secrets/token}-${Y}" } } }',
      { env: { Y: '1' } },
    );
    expect(options.port).toBe(81);
    expect(options.subgraphs['a']?.auth).toMatchObject({ token: `x-${token}-1` });
  });

  it('is read again each time, and its file is told to whoever watches', () => {
    const yaml = 'host: ${file:secrets/host}';
    writeFileSync(join(folder, 'secrets', 'host'), 'a\n');
    expect(read(yaml)).toMatchObject({
      options: { host: 'a' },
      sources: { files: [join(folder, 'secrets', 'host')] },
    });
    writeFileSync(join(folder, 'secrets', 'host'), 'b\n');
    expect(load(yaml).host).toBe('b');
  });

  it('must be there', () => {
    expect(problemsOf('host: a\nadmin:\n  token: ${file:secrets/none}')).toEqual([
      'weir.yaml:3: `admin.token` takes the file secrets/none, which does not exist.',
    ]);
    expect(problemsOf('host: ${file:secrets}')).toEqual([
      'weir.yaml:1: `host` takes the file secrets, which is a folder.',
    ]);
    let files: readonly string[] = [];
    try {
      load('host: ${file:secrets/none}');
    } catch (error) {
      ({ files } = error as OptionsError);
    }
    expect(files).toEqual([join(folder, 'secrets', 'none')]);
  });

  it('is not in the sentence that refuses it', () => {
    writeFileSync(join(folder, 'secrets', 'short'), 'hunter2\n');
    expect(problemsOf('admin: { token: "${file:secrets/short}" }')).toEqual([
      'weir.yaml:1: `admin.token` must be at least 16 letters, digits and any of -._~+/ (from ${file:secrets/short}).',
    ]);
    expect(problemsOf('cache: { store: "${file:secrets/short}" }')).toEqual([
      expect.not.stringContaining('hunter2'),
    ]);
  });
});

describe('a mistake has the line of the file', () => {
  it.each([
    [
      'in a list',
      'rates:\n  - name: a\n    per: client\n    limit: 1\n    window: 1s\n  - name: b\n    per: none',
      7,
    ],
    ['of an item of a list', 'trustedProxies:\n  - 10.0.0.1\n  - here', 3],
    ['in a list in brackets', 'trustedProxies: [\n  10.0.0.1,\n  here]', 3],
    ['of something missing', 'port: 1\ntls:\n  cert: a', 2],
    ['of a map as a whole', 'port: 1\nsubgraphs:\n  a: { url: http://a, endpoints: [http://b] }', 3],
    ['behind an alias', 'overrides: { a: 1 }\nlimits: &l\n  depth: x\nplanning: *l', 3],
    ['of a header in another case', 'headers:\n  set:\n    X-A: "é"', 3],
    ['of an unknown option in a list', 'limits:\n  classes:\n    - dept: 1', 3],
    ['of the whole file', '- 1', 1],
  ])('%s', (_, yaml, line) => {
    expect(problemsOf(yaml)[0]).toMatch(new RegExp(`^weir\\.yaml:${line}: `));
  });

  it('where it is in the file, and not where a flag or a variable gives it', () => {
    expect(problemsOf('port: 81', { flags: { port: 'x' } })).toEqual([
      '`port` must be a whole number from 0 to 65535, but got: "x".',
    ]);
    const variables = { WEIR_LINK_KEYS: { privateLinks: { keys: ['short'] } } };
    expect(problemsOf('privateLinks: { claims: [a] }', { variables })).toEqual([
      'WEIR_LINK_KEYS: `privateLinks.keys.0` must be a secret of 32 or more letters, digits and any of -._~+/=.',
    ]);
  });

  it('of two ports that are one, whichever of them the file has', () => {
    expect(problemsOf('host: 127.0.0.1\nport: 9464')).toEqual([
      'weir.yaml:2: `admin.port` must differ from the port of clients, but both are 9464.',
    ]);
  });

  it('also when it is found only later', () => {
    const { sources } = read('port: 1\ntls:\n  cert: none\n  key: none');
    const error = OptionsError.of(['tls', 'cert'], 'cannot be read: it is not there.');
    expect(error.problems).toEqual(['`tls.cert` cannot be read: it is not there.']);
    expect(error.problemsIn(sources)).toEqual([`${config}:3: \`tls.cert\` cannot be read: it is not there.`]);
  });

  it.each([
    ['host: a\nhost: b', 'weir.yaml:2: `host` is given a second time in the same map: keep one.'],
    ['host: a\nadmin: { port: ${PORT} }', 'weir.yaml:2: Inside {} and [], '],
    ['host: a\n---\nhost: b', 'weir.yaml:2: A second document begins here: the options are one document.'],
    [
      'host: !secret a',
      'weir.yaml:1: `!secret` is a tag, which has no meaning here: write the value itself.',
    ],
    ['host: a\nadmin:\n\tport: 1', 'weir.yaml:3: This is not valid YAML: '],
    ['host: ${', 'weir.yaml:1: `host` has ${, which must be ${NAME}, '],
    ['host: ${}', 'weir.yaml:1: `host` has ${}, which must be ${NAME}, '],
    ['trustedProxies: [a, "${B?}"]', 'weir.yaml:1: `trustedProxies.1` has ${B?}, which must be '],
  ])('that is not YAML: %j', (yaml, sentence) => {
    expect(problemsOf(yaml)[0]!.startsWith(sentence)).toBe(true);
  });

  it('and says that references in braces need quotes, once', () => {
    expect(problemsOf('admin: { port: ${PORT} }')).toEqual([
      'weir.yaml:1: Inside {} and [], `${NAME}` needs quotes: write "${NAME}".',
    ]);
  });
});

describe('the origin of an option', () => {
  it('is the line of the file with what the value was taken from, a variable, a flag or a default', () => {
    writeFileSync(join(folder, 'secrets', 'token'), 'a-token-for-operators\n');
    const { sources } = read(
      'supergraph: a.graphql\nhost: ${HOST}\nadmin:\n  token: ${file:secrets/token}\nheaders: { set: { X-A: b } }',
      {
        env: { HOST: 'a' },
        flags: { port: '1' },
        variables: { WEIR_LINK_KEYS: { privateLinks: { keys: ['k'.repeat(32)] } } },
      },
    );
    const file = { kind: 'file', file: config, variables: [], files: [] };
    expect(sources.origin(['supergraph', 'file'])).toEqual({ ...file, line: 1 });
    expect(sources.origin(['host'])).toEqual({ ...file, line: 2, variables: ['HOST'] });
    expect(sources.origin(['admin', 'token'])).toEqual({
      ...file,
      line: 4,
      files: [join(folder, 'secrets', 'token')],
    });
    expect(sources.origin(['headers', 'set', 'x-a'])).toEqual({ ...file, line: 5 });
    expect(sources.origin(['port'])).toEqual({ kind: 'flag' });
    expect(sources.origin(['privateLinks', 'keys', 0])).toEqual({
      kind: 'environment',
      variable: 'WEIR_LINK_KEYS',
    });
    expect(sources.origin(['admin', 'port'])).toEqual({ kind: 'default' });
    expect(sources.origin(['admin', 'host'])).toEqual({ kind: 'default' });
  });
});
