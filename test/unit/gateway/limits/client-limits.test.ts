/** Which limits are whose. Over HTTP: test/integration/limit-classes.test.ts. */
import { anonymous, createIdentity, type Identity } from '../../../../gateway/auth/identity';
import { createClientLimits } from '../../../../gateway/limits/client-limits';
import { parseOptions } from '../../../../gateway/options';

const limitsOf = (classes: object[], more: object = {}, introspection = false) =>
  createClientLimits({ limits: parseOptions({ limits: { ...more, classes } }).limits, introspection });

const staff = createIdentity({ mode: 'oidc', subject: 'u1', client: 'web', groups: ['staff', 'readers'] });
const app = createIdentity({ mode: 'api-key', client: 'app' });

/** For whom of the three a class with these members counts. */
const countsFor = (who: object): boolean[] => {
  const limits = limitsOf([{ ...who, cost: 7 }]);
  return [staff, app, anonymous].map((identity) => limits.of(identity).cost === 7);
};

it.each([
  [{ mode: 'oidc' }, [true, false, false]],
  [{ mode: 'none' }, [false, false, true]],
  [{ client: 'app' }, [false, true, false]],
  [{ group: 'readers' }, [true, false, false]],
  [{ mode: 'oidc', client: 'web', group: 'staff' }, [true, false, false]],
  [{ mode: 'api-key', client: 'web' }, [false, false, false]],
  [{ client: 'app', group: 'staff' }, [false, false, false]],
  [{ mode: 'oidc', group: 'admins' }, [false, false, false]],
])('a class of %j is of those that have all of it', (who, expected) => {
  expect(countsFor(who)).toEqual(expected);
});

it('is the first class that somebody is in, and for what that does not say everybody’s', () => {
  const limits = limitsOf(
    [
      { client: 'web', depth: 5, cost: undefined },
      { mode: 'oidc', depth: 6, cost: undefined },
      { client: 'app', introspection: true },
    ],
    { depth: 20, cost: 100 },
  );
  expect(limits.of(staff)).toMatchObject({ depth: 5, cost: 100, introspection: false });
  expect(limits.of(app)).toMatchObject({ depth: 20, cost: 100, introspection: true });
  expect(limits.of(anonymous)).toMatchObject({ depth: 20, cost: 100, introspection: false });
  expect(limits.of(staff)).not.toHaveProperty('client');
});

it('is found once for each identity', () => {
  const limits = limitsOf([{ client: 'web', depth: 5 }]);
  let looks = 0;
  const looked = new Proxy(staff, {
    get: (identity, member) => {
      looks++;
      return Reflect.get(identity, member) as unknown;
    },
  });
  const first = limits.of(looked);
  const before = looks;
  expect(limits.of(looked)).toBe(first);
  expect(looks).toBe(before);
});

it('is everybody’s alike where there are no classes', () => {
  const limits = limitsOf([], { depth: 3 }, true);
  expect(limits.of(staff)).toBe(limits.of(anonymous));
  expect(limits.of(staff)).toMatchObject({ depth: 3, introspection: true });
});

describe('a document', () => {
  const nested = (levels: number): string => `{ ${'a { '.repeat(levels - 1)}b${' }'.repeat(levels - 1)} }`;
  const limits = limitsOf([{ client: 'web', depth: 6, introspection: true }], { depth: 3 });
  const codeOf = (document: string, identity: Identity) =>
    limits.refuse(document, identity)?.extensions['code'];

  it('is refused by the limits of who sends it', () => {
    expect([codeOf(nested(3), app), codeOf(nested(4), app)]).toEqual([undefined, 'MAX_DEPTH_LIMIT']);
    expect([codeOf(nested(6), staff), codeOf(nested(7), staff)]).toEqual([undefined, 'MAX_DEPTH_LIMIT']);
    const schema = '{ __schema { types { name } } }';
    expect([codeOf(schema, app), codeOf(schema, staff)]).toEqual(['INTROSPECTION_DISABLED', undefined]);
  });

  it('is measured once for all, as far as the most generous of them allow', () => {
    expect(limits.measure(nested(6))).toBe(limits.measure(nested(6)));
    expect(limits.measure('{a'.repeat(1_000)).depth).toBe(7);
  });
});
