import { hasScope, requireIdentity, SubgraphError, type RequestScope, type Resolvers } from '../../kit';
import { type Loaders } from './loaders';
import { changeOf, type UpdateProfileInput } from './profile';
import { usersTable, type User } from './table';

export interface Context extends Pick<RequestScope, 'db' | 'identity'> {
  readonly loaders: Loaders;
}

export const resolvers: Resolvers<Context> = {
  Query: {
    viewer: (_: unknown, __: unknown, { identity, loaders }) => identity && loaders.users.load(identity),
    user: (_: unknown, { id }: { id: string }, { loaders }) => loaders.users.load({ id }),
  },

  Mutation: {
    async updateProfile(_: unknown, { input }: { input: UpdateProfileInput }, { db, identity, loaders }) {
      const { id } = requireIdentity(identity);
      const user = await db.table(usersTable).update({ id }, changeOf(input));
      if (!user) throw new SubgraphError('NOT_FOUND', `There is no user "${id}".`);
      loaders.users.prime(user);
      return user;
    },
  },

  User: {
    __resolveReference: ({ id }: { id: string }, { loaders }: Context) => loaders.users.load({ id }),
    email: onlyForThemselves(({ email }) => email, { orScope: 'support' }),
    address: onlyForThemselves(({ address }) => address, { orScope: 'support' }),
    membership: onlyForThemselves(({ points }) => ({ points })),
  },

  Membership: {
    tier: ({ points }: Membership) => tierOf(points),
    reward: ({ points }: Membership) => rewards[tierOf(points)],
  },
};

/**
 * Resolves a field for the user to whom it belongs and for callers with the scope, and to null for all others. The
 * directives of the schema check the kind of caller; only the subgraph knows to whom a field belongs.
 */
function onlyForThemselves<Value>(read: (user: User) => Value, { orScope }: { orScope?: string } = {}) {
  return (user: User, _: unknown, { identity }: Context) =>
    identity?.id === user.id || hasScope(identity, orScope) ? read(user) : null;
}

type Membership = Pick<User, 'points'>;
type MembershipTier = 'BASIC' | 'SILVER' | 'GOLD';

function tierOf(points: number): MembershipTier {
  if (points >= 1500) return 'GOLD';
  return points >= 250 ? 'SILVER' : 'BASIC';
}

/** References to products, by the key in this subgraph's schema. */
const rewards: Readonly<Record<MembershipTier, { sku: string } | null>> = {
  BASIC: null,
  SILVER: { sku: 'WR-0025' },
  GOLD: { sku: 'WR-0004' },
};
