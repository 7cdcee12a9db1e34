import { z } from 'zod';
import { flag, mapOf, portNumber, text } from './values';

export const admin = mapOf({
  enabled: flag.default(true).describe('Serves metrics and health on a port of its own.'),
  host: text
    .default('127.0.0.1')
    .describe(
      'Its address. Health, and without a `token` metrics too, need no credentials: keep it private.',
    ),
  port: portNumber.default(9464).describe('Its port; 0 takes a free one.'),
  token: z
    .string({ error: 'must be text' })
    .regex(/^[\w\-.~+/]{16,}=*$/, { error: 'must be at least 16 letters, digits and any of -._~+/' })
    .optional()
    .describe(
      'What callers must send as a bearer token, for all but health. Left out: metrics need none, and `POST /cache/invalidate` is not there.',
    ),
})
  .prefault({})
  .describe('The port for operators.');
