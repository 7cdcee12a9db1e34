import type * as Jose from 'jose';

/** Loaded only where tokens are accepted. */
export const jose = () => require('jose') as typeof Jose;
