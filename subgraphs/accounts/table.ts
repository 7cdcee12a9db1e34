import { defineTable } from '../../kit';
import { seedUsers } from './seed';

export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  /** ISO 8601, UTC. */
  readonly joinedAt: string;
  /** The money that they have spent, in whole euros. */
  readonly points: number;
  readonly bio?: string;
  readonly address?: Address;
}

export interface Address {
  readonly street: string;
  readonly city: string;
  readonly postalCode: string;
  readonly country: string;
}

export const usersTable = defineTable<User>()({
  name: 'users',
  partitionKey: 'id',
  operations: ['BatchGetItem', 'UpdateItem'],
  seed: seedUsers,
});
