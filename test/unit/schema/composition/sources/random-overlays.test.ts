/** schema/composition/sources/ by random schemas and overlays. */
import { parse, print } from 'graphql';
import { composeSupergraph, type Problem, SupergraphConfigError } from '../../../../../schema';
import { overlaidDocument } from '../../../../../schema/composition/sources/overlaid-document';
import { readSourceSchema } from '../../../../../schema/supergraph/sources/source-schema';
import { sourcesOf } from '../../../../../schema/supergraph/sources/sources-of';
import { amountOf } from '../../../../support/amounts';
import { RandomSource } from '../../../../support/random-source';

const names = ['User', 'Review', 'Pet', 'Shop', 'Brief'];

/** A schema of a plain API, and an overlay of it that is right but for some mistakes. */
function drawSource(seed: number, name: string) {
  const random = new RandomSource(seed);
  const chance = (probability: number) => random.chance(probability);
  const pick = <Item>(items: readonly Item[]) => random.pick(items);
  const types = names.filter(() => chance(0.8));
  if (types.length === 0) types.push('User');
  const mistakes = seed % 6 < 4 ? 0 : 0.02;
  const one = () => pick(types);
  const list = (type: string) => (chance(0.5) ? type : `[${type}!]${chance(0.5) ? '!' : ''}`);
  const key = chance(mistakes) ? 'Int!' : 'ID!';
  const linked = new Map(
    types.map((type) => [type, type === 'Brief' ? [] : types.filter(() => chance(0.4))]),
  );
  const fields = types.map((type) => {
    if (type === 'Brief') return `type Brief { id: ${key} f0: String }`;
    const others = Array.from(
      { length: random.between(0, 3) },
      (_, index) => `${name}${index}: ${list(chance(0.4) ? one() : pick(['String', 'Int', 'Kind']))}`,
    );
    const ids = linked
      .get(type)!
      .map((other) => `${other.toLowerCase()}Id: ${chance(mistakes) ? 'Int' : 'ID'}`);
    return `type ${type}${chance(0.2) ? ' implements Node' : ''} { id: ${key} f0: String ${[...others, ...ids].join(' ')} }`;
  });
  const roots = types.flatMap((type) => [
    `${name}${type}(id: ${key}): ${type}`,
    `${name}${type}s(ids: [${key}]!): [${type}]!`,
    `${name}${type}By(owner: ID!, first: Int): [${type}!]`,
  ]);
  const sdl = `type Query { ${name}Feed: [${one()}] ${name}Any: Any ${roots.join(' ')} }
    type Mutation { ${name}Do: ${one()} } type Subscription { ${name}On: ${one()} }
    interface Node { id: ${key} } union Any = ${types.join(' | ')} enum Kind { A B } ${fields.join('\n')}`;

  const wrong = (text: string) =>
    random.chance(mistakes)
      ? pick(['id', 'nothing', '', '{', 'Int', text.toLowerCase(), 'a.b.c', '[id]'])
      : text;
  const whole = types.filter((type) => type !== 'Brief');
  const looked = whole.filter(() => mistakes === 0 || chance(0.6));
  const overlay = [
    ...looked.map((type) =>
      chance(0.5)
        ? `extend type Query { ${name}${type}(id: ${wrong(key)} @is(field: "${wrong('id')}")): ${wrong(type)} @lookup ${chance(0.3) ? '@internal' : ''} }`
        : `extend type Query { ${name}${type}s(ids: [${key}]! @is(field: "${wrong('[id]')}")): [${type}]! @lookup @internal }`,
    ),
    ...types.flatMap((type) =>
      linked
        .get(type)!
        .filter((other) => looked.includes(other) && chance(0.6))
        .map(
          (other) =>
            `extend type ${wrong(type)} { ${other.toLowerCase()}Of: ${wrong(other)} @derive @is(field: "{ ${wrong('id')}: ${wrong(`${other.toLowerCase()}Id`)} }") }`,
        ),
    ),
    ...whole
      .filter(() => chance(0.3))
      .map((type) => {
        const result = one();
        return `extend type ${type} { ${result.toLowerCase()}s(owner: ID! @require(field: "${wrong('id')}"), first: Int): [${result}!] @from(field: "${wrong(`${name}${result}By`)}") }`;
      }),
    ...types
      .filter((type) => type === 'Brief' && looked.length > 0)
      .map(() => `type Brief @shape(of: "${wrong(pick(looked))}")`),
    ...types.filter(() => !random.chance(mistakes)).map((type) => `extend type ${wrong(type)} @shareable`),
    `extend type Query { ${name}Any: Any @internal }`,
    `interface Node { id: ${key} }`,
  ].join('\n');
  return { sdl, overlay };
}

const read = (name: string, seed: number) => {
  const { sdl, overlay } = drawSource(seed, name);
  const file = `${name}.join.graphql`;
  const document = overlaidDocument(name, { sdl, file: `${name}.graphql` }, { text: overlay, file }, 'file');
  return {
    name,
    routingUrl: `http://${name}.test/graphql`,
    sdl: print(document),
    file: `${name}.graphql`,
    document,
  };
};

/** The problems of two sources; none where they compose. */
function problemsOf(seed: number): readonly Problem[] {
  try {
    const subgraphs = [read('a', 2 * seed), read('b', 2 * seed + 1)];
    const { errors, supergraphSdl } = composeSupergraph({ subgraphs });
    // What is stored in a registry composes to the same.
    const stored = subgraphs.map(({ document: _document, ...subgraph }) => subgraph);
    if (seed % 6 === 0) expect(composeSupergraph({ subgraphs: stored }).supergraphSdl).toBe(supergraphSdl);
    if (errors !== undefined) return errors;
    for (const { schema } of sourcesOf(parse(supergraphSdl)).values()) readSourceSchema(schema);
    return [];
  } catch (error) {
    if (error instanceof SupergraphConfigError) return error.problems;
    throw error;
  }
}

it('composes random overlays, or locates what is wrong with them', () => {
  const amount = amountOf('WEIR_OVERLAYS', 36, 3_000);
  let composed = 0;
  for (let seed = 0; seed < amount; seed++) {
    const problems = problemsOf(seed);
    for (const { code, message, locations } of problems) {
      if (locations.length === 0) throw new Error(`seed ${seed}: ${code} has no location: ${message}`);
      // These have no mistakes, but sources may have other fields of one name.
      if (seed % 3 < 2) expect(`seed ${seed}: ${message}`).toContain('is incompatible across subgraphs');
    }
    if (problems.length === 0) composed++;
  }
  expect(composed).toBeGreaterThan(amount / 2);
});
