import type { Options } from '../options';

/** Security headers of every answer, except CORS: pairs of name and value. */
export function securityHeaders({ tls }: Pick<Options, 'tls'>): readonly (readonly [string, string])[] {
  return [
    // JSON is never guessed to be a page or a script.
    ['x-content-type-options', 'nosniff'],
    // Once met over TLS, never without.
    ...(tls === undefined ? [] : [['strict-transport-security', 'max-age=31536000'] as const]),
  ];
}
