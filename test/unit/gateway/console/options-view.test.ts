import { join } from 'node:path';
import { describeOptions } from '../../../../gateway/console/options-view';
import type { ShownOption } from '../../../../gateway/console/versions-api';
import { parseOptions, readOptions } from '../../../../gateway/options';
import { isMarked, optionPlaces, secretFor, secretsAmong, takesText } from '../../../support/options-schema';
import { optionsJsonSchema } from '../../../support/reference/json-schema';
import { temporaryFolder } from '../../../support/subgraph-kit';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const file = join(folder.path, 'weir.yaml');

/** The options of a file, by name. */
async function shown(yaml: string, env: Record<string, string> = {}): Promise<Record<string, ShownOption>> {
  const { options, sources } = readOptions({ config: folder.write('weir.yaml', yaml), env });
  const view = await describeOptions(options, sources, options);
  return Object.fromEntries(view.options.map((option) => [option.name, option]));
}

it('names the line of a file, and the default that does not count', async () => {
  const { 'limits.depth': depth, 'limits.aliases': aliases } = await shown('limits:\n  depth: 7\n');
  expect(depth).toEqual({
    ...{ name: 'limits.depth', value: 7, default: parseOptions({}).limits.depth, isChanged: true },
    origin: { kind: 'file', file: file, line: 2, variables: [], files: [] },
  });
  expect(aliases).toMatchObject({ isChanged: false, origin: { kind: 'default' } });
  expect(aliases).not.toHaveProperty('default');
});

it('takes an option that is set to its default for unchanged', async () => {
  const { depth } = parseOptions({}).limits;
  expect((await shown(`limits: { depth: ${depth} }`))['limits.depth']).toMatchObject({
    ...{ isChanged: false, origin: { kind: 'file' } },
  });
});

it('shows only the name of a variable of the environment', async () => {
  const options = await shown('zone: ${ZONE}', { ZONE: 'secret-zone' });
  expect(options['zone']).toMatchObject({ isChanged: true, origin: { variables: ['ZONE'] } });
  expect(JSON.stringify(options)).not.toContain('secret-zone');
});

it('knows what a program has given, and later changed', async () => {
  const given = { limits: { depth: 7 } };
  const find = (view: Awaited<ReturnType<typeof describeOptions>>, name: string) =>
    view.options.find((option) => option.name === name);
  const first = await describeOptions(parseOptions(given), undefined, given);
  expect(find(first, 'limits.depth')).toMatchObject({ value: 7, isChanged: true, origin: { kind: 'code' } });
  expect(find(first, 'limits.aliases')).toMatchObject({ isChanged: false, origin: { kind: 'default' } });
  const later = await describeOptions(parseOptions({ limits: { aliases: 3 } }), undefined, given);
  expect(find(later, 'limits.aliases')).toMatchObject({ isChanged: true, origin: { kind: 'code' } });
});

it('shows a function that a program gives as such', async () => {
  const given = { auth: { iam: { module: () => undefined } } };
  const { options } = await describeOptions(parseOptions(given), undefined, given);
  expect(options.find(({ name }) => name === 'auth.iam.module')?.value).toBe('a function');
});

describe('of every option', () => {
  const places = optionPlaces(optionsJsonSchema());
  const describeGiven = async (given: Record<string, unknown>) =>
    describeOptions(parseOptions(given), undefined, given);

  it.each(secretsAmong(places).map((place) => [place.name, place] as const))(
    '%s is hidden, as it is a secret',
    async (_, place) => {
      const { options } = await describeGiven(place.with(secretFor(place)));
      expect(JSON.stringify(options)).not.toContain('pLaNtEd0');
      expect(options.some(({ isChanged, value }) => isChanged && value === undefined)).toBe(true);
    },
  );

  const mayBeUrl = places.filter(({ node }) => takesText(node) && !isMarked(node));
  it.each(mayBeUrl.map((place) => [place.name, place] as const))(
    '%s shows no password of a URL',
    async (_, place) => {
      for (const scheme of ['https', 'rediss', 's3', 'dynamodb']) {
        const given = place.with(`${scheme}://user:pLaNtEd0@host/p?k=pLaNtEd0`);
        const shown = await describeGiven(given).catch((error: unknown) => (error as Error).message);
        expect(JSON.stringify(shown)).not.toContain('pLaNtEd0');
        // Where one is taken, all others are written alike.
        if (typeof shown !== 'string') return;
      }
    },
  );
});
