/** The JSON schema of gateway/options/, which editors check files by, beside the gateway, which has the last word. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import type { z } from 'zod';
import { loadOptions, OptionsError, optionsSchema } from '../../../../gateway/options';
import { optionsJsonSchema } from '../../../support/reference/json-schema';
import { examplesOf, pages, root } from '../../../support/documentation';
import { exampleOf, optionPlaces } from '../../../support/options-schema';

const examplesInDocs = pages()
  .flatMap((page) => examplesOf(page))
  .filter(({ language, file = 'weir.yaml' }) => language === 'yaml' && file === 'weir.yaml');
const folder = mkdtempSync(join(tmpdir(), 'weir-schema-'));
afterAll(() => rmSync(folder, { recursive: true }));

const schema = optionsJsonSchema();
const validate = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true }).compile(schema);
const places = optionPlaces(schema);

/** What an editor says of a file, with the places. */
function editorFinds(options: unknown): string[] {
  validate(options);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** What the gateway says of a file. Variables that it names are set, and secret files are there. */
function gatewayFinds(yaml: string): readonly string[] {
  const file = join(folder, 'weir.yaml');
  const text = yaml.replace(/\$\{file:[^}]*\}/g, '${SECRET}');
  const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!);
  writeFileSync(file, text);
  try {
    loadOptions({ config: file, env: Object.fromEntries(names.map((name) => [name, 'a'.repeat(64)])) });
    return [];
  } catch (error) {
    if (error instanceof OptionsError) return error.problems;
    throw error;
  }
}

/** Whether the gateway takes options, each on its own: to check all others each time would take long. */
const isFine = (options: object): boolean =>
  Object.entries(options).every(
    ([name, value]) => (optionsSchema.shape as Record<string, z.ZodType>)[name]?.safeParse(value).success,
  );

const accepted = places.flatMap(({ name, with: put }) =>
  oddValues()
    .map((value) => ({ name, value, options: put(value) }))
    .filter(({ options }) => isFine(options)),
);

describe('files that the gateway takes are valid', () => {
  // That the gateway takes these is tested with all other examples.
  it.each(examplesInDocs.map(({ at, text }) => [at, text]))('%s', (_, yaml) => {
    expect(editorFinds(parse(yaml) ?? {})).toEqual([]);
  });

  it.each(optionsFiles(root).map((file) => [file.slice(root.length + 1), file]))('%s', (_, file) => {
    const yaml = readFileSync(file, 'utf8');
    expect(gatewayFinds(yaml)).toEqual([]);
    expect(editorFinds(parse(yaml))).toEqual([]);
  });

  it('whatever value each of the options has', () => {
    const wrong = accepted.flatMap(({ name, value, options }) =>
      editorFinds(options).map((problem) => `${name}: ${JSON.stringify(value)}: ${problem}`),
    );
    expect(wrong).toEqual([]);
    expect(accepted.length).toBeGreaterThan(places.length);
  });

  it('whichever of the options stand together', () => {
    const some = fc.array(fc.constantFrom(...accepted), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(some, (all) => {
        const options = Object.assign({}, ...all.map((each) => each.options)) as object;
        if (optionsSchema.safeParse(options).success) expect(editorFinds(options)).toEqual([]);
      }),
      seedOfRun(),
    );
  });

  it('where values come from the environment or from files', () => {
    for (const { name, node, with: put } of places) {
      if (typesOf(node).every((type) => ['object', 'array'].includes(type))) continue;
      for (const value of ['${NAME}', '${NAME:-x}', '${file:/run/secrets/x}', 'a${B}c'])
        expect([name, value, editorFinds(put(value))]).toEqual([name, value, []]);
    }
  });
});

describe('files that the gateway refuses are invalid', () => {
  it('if an option has the wrong type', () => {
    const missed = [];
    let refused = 0;
    for (const { name, node, mayBeOff, with: put } of places)
      for (const value of [3.5, 'x y', true, null, ['x y'], { x: 'y' }]) {
        // What its type allows may be refused for a reason that a schema does not say.
        if (
          (value === null && mayBeOff) ||
          typesOf(node).length === 0 ||
          typesOf(node).includes(typeOf(value))
        )
          continue;
        const options = put(value);
        expect([name, value, isFine(options)]).toEqual([name, value, false]);
        refused++;
        if (editorFinds(options).length === 0) missed.push(`${name}: ${JSON.stringify(value)}`);
      }
    expect(missed).toEqual([]);
    expect(refused).toBeGreaterThan(places.length);
  });

  it('if a name is unknown, or one is missing', () => {
    const maps = places.filter(({ node }) => node.additionalProperties === false);
    for (const { name, node, with: put } of maps) {
      const example = exampleOf(node) as Record<string, unknown>;
      expect([name, editorFinds(put({ ...example, unknwon: 1 })).length > 0]).toEqual([name, true]);
      for (const required of node.required ?? []) {
        const less = Object.fromEntries(Object.entries(example).filter(([each]) => each !== required));
        expect([name, required, editorFinds(put(less)).length > 0]).toEqual([name, required, true]);
      }
    }
    expect(editorFinds({ prot: 1 })).not.toEqual([]);
  });

  it.each([
    ['a number out of range', { port: 70_000 }],
    ['a word that is none of them', { mode: 'dev' }],
    ['a duration without a unit', { timeouts: { request: '30' } }],
    ['a size in another unit', { limits: { body: '1TB' } }],
    ['a URL of another protocol', { subgraphs: { a: { url: 'file:///x' } } }],
    ['a list that is empty', { subgraphs: { a: { endpoints: [] } } }],
    ['an unknown way to authenticate', { subgraphs: { a: { auth: { type: 'BASIC' } } } }],
  ])('if it has %s', (_, options) => {
    expect(isFine(options)).toBe(false);
    expect(editorFinds(options)).not.toEqual([]);
  });
});

describe('every option', () => {
  const named = places.filter(({ name, path }) => typeof path.at(-1) === 'string' && !name.endsWith('.NAME'));

  it('has a description', () => {
    expect(named.filter(({ node }) => !node.description).map(({ name }) => name)).toEqual([]);
  });

  it('has an example, which the gateway takes', () => {
    expect(named.filter(({ node }) => exampleOf(node) === undefined).map(({ name }) => name)).toEqual([]);
    const wrong = named.flatMap(({ name, node, with: put }) => {
      const options = put(exampleOf(node));
      return [...gatewayFinds(JSON.stringify(options)), ...editorFinds(options)].map(
        (says) => `${name}: ${says}`,
      );
    });
    expect(wrong).toEqual([]);
  });

  it('has a default, unless it is required, or its description says what leaving it out means', () => {
    const bare = named.filter(
      ({ node, isRequired, name }) =>
        !isRequired && node.default === undefined && !aboutNone.test(descriptionsTo(name)) && !isOneOf(name),
    );
    expect(bare.map(({ name }) => name)).toEqual([]);
  });
});

const aboutNone =
  /[Ll]eft out|leaves out|No effect without|[Ii]nstead of|Not together with|Applies only|is needed/;
/** Of these one is chosen. */
const isOneOf = (name: string): boolean => name.startsWith('supergraph');

/** What is said of an option, and of the maps around it. */
function descriptionsTo(name: string): string {
  const around = places.filter((place) => name === place.name || /^[.[]/.test(name.slice(place.name.length)));
  return around
    .filter((place) => name.startsWith(place.name))
    .map(({ node }) => node.description)
    .join(' ');
}

/** What some option or other takes, in all the forms that are allowed, and what none does. */
function oddValues(): unknown[] {
  return [
    ...[0, 1, 2.5, 0.5, 100, 1e6, -1, true, false, null],
    ...[
      '',
      'x',
      '*',
      '/',
      '/x',
      'x@y',
      'X-Header',
      'authorization',
      '0s',
      '1.5h',
      '250ms',
      '64KiB',
      '1MiB',
      '5MB',
      'day',
    ],
    ...[
      'http://a',
      'HTTPS://Ä.example/{x}?y z',
      ' http://a',
      's3://b/k',
      'dynamodb://table?region=a',
      'redis://h:1',
    ],
    ...['memory:', 'registry:folder#shop@prod', '10.0.0.0/8', '::1', 'https://a.example', 'E2QWRUHAPOMQZL'],
    ...[
      '2027-01-31',
      '2027-01-31T12:00:00+02:00',
      'AB'.repeat(32),
      'eu-west-1',
      'eu-west-1_AbCd',
      'k'.repeat(40),
    ],
    ...[
      [],
      ['x'],
      ['http://a'],
      ['https://a.example'],
      [{ url: 'http://a' }],
      ['*'],
      {},
      { x: 'y' },
      { x: 50 },
    ],
    ...[{ x: {} }, { keys: [{ kty: 'EC', crv: 'P-256' }] }, { x: { tags: ['a'] } }],
  ];
}

function typesOf({
  type,
  anyOf = [],
  enum: values,
  const: value,
}: (typeof places)[number]['node']): string[] {
  if (type !== undefined) return [type].flat().map((each) => (each === 'integer' ? 'number' : each));
  if (values !== undefined || value !== undefined) return ['string'];
  return anyOf.flatMap(typesOf);
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

function optionsFiles(at: string): string[] {
  return readdirSync(at, { withFileTypes: true }).flatMap((entry) => {
    const path = join(at, entry.name);
    if (entry.isDirectory())
      return /^(node_modules|dist|fixtures|\..*)$/.test(entry.name) ? [] : optionsFiles(path);
    return /^weir[\w-]*\.ya?ml$/.test(entry.name) ? [path] : [];
  });
}

function seedOfRun(): { seed?: number } {
  const seed = process.env['WEIR_SEED'];
  return seed === undefined ? {} : { seed: Number(seed) };
}
