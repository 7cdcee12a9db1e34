import type { z } from 'zod';
import type { redis } from '../options/redis';

type RedisOptions = z.output<typeof redis>;

/** How to connect to a Redis or Valkey. */
export interface RedisSettings {
  /** `redis://` or `rediss://`, optionally with user, password, port and database. */
  readonly url: string;
  /** A file of certificates in PEM that are trusted, too. @default none */
  readonly ca?: RedisOptions['ca'];
  /** @default the user and password of the URL */
  readonly iam?: RedisOptions['iam'];
}
