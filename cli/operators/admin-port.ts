/** What commands read of the ports for operators of running gateways. */
import { z } from 'zod';
import { timeLimit } from '../../gateway/net/time-limit';
import { CommandFailure, type Context } from '../context';
import { readRunningGraph } from '../gateway/running-graph';
import { printable } from '../terminal/printable';

export interface AdminPortFlags {
  readonly admin?: readonly string[];
  readonly token?: string;
}

/** The port for operators of a gateway. */
export interface AdminPort {
  readonly url: string;
  readonly token: string | undefined;
  /** The flag that named it, for errors. */
  readonly flag: string;
}

/** Those of the flags, else that of the `weir dev` that runs in this folder. @param flag that of `admin` */
export function findAdminPorts({ admin = [], token }: AdminPortFlags, flag = '--admin'): AdminPort[] {
  const running = readRunningGraph()?.admin;
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw new CommandFailure('weir: --token must be printable ASCII without spaces.', 2);
  if (admin.length > 0)
    return [...new Set(admin.map((text) => originOf(text, flag)))].map((url) => ({
      ...{ url, flag },
      token:
        token ?? (running !== undefined && originOf(running.url, flag) === url ? running.token : undefined),
    }));
  if (running !== undefined)
    return [{ url: originOf(running.url, flag), token: token ?? running.token, flag }];
  throw new CommandFailure(
    'weir: which gateway? No `weir dev` with an admin port runs in this folder: name the admin port of a gateway with --admin URL, such as http://127.0.0.1:9464.',
    2,
  );
}

function originOf(text: string, flag: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new CommandFailure(
      `weir: ${flag} must be the URL of an admin port, such as http://127.0.0.1:9464, but got: "${printable(text, 100)}".`,
      2,
    );
  if (url.username !== '' || url.password !== '')
    throw new CommandFailure(
      `weir: ${flag} must have no user name and password, which are not sent: give \`admin.token\` with --token.`,
      2,
    );
  return url.origin;
}

/**
 * What the console's API has at a path, such as `report`.
 *
 * @param schema takes undefined where nothing may be there
 * @throws {CommandFailure} if the gateway does not answer, refuses, or answers with something else
 */
export async function readConsole<Found>(
  { url, token, flag }: AdminPort,
  path: string,
  schema: z.ZodType<Found>,
  { signal }: Context,
): Promise<Found> {
  const { status, text } = await get(`${url}/console/api/${path}`, { token, flag }, signal);
  const trouble = (says: string): CommandFailure => new CommandFailure(`weir: ${url} ${says}`, 2);
  const json = parse(text);
  const refused = refusal.safeParse(json).data?.errors[0].message;
  if (status === 401)
    throw trouble(
      token === undefined
        ? 'wants a token: give the `admin.token` of the gateway with --token, or in WEIR_TOKEN.'
        : 'does not accept the token: give the `admin.token` of the gateway with --token, or in WEIR_TOKEN.',
    );
  if (status === 403) throw trouble(`refuses: ${printable(refused ?? 'it says no reason.')}`);
  const nothing = schema.safeParse(undefined);
  if (status === 404 && nothing.success) return nothing.data;
  if (status === 404)
    throw trouble('has no report: name an admin port, of a gateway where `admin.console.enabled` is true.');
  if (status !== 200)
    throw trouble(
      `has failed with status ${status} (${printable(refused ?? 'no reason')}): its log says more.`,
    );
  const found = schema.safeParse(json);
  if (found.success) return found.data;
  throw trouble(
    'does not answer with a report: it is another server, or runs another version of Weir than this command.',
  );
}

async function get(
  url: string,
  { token, flag }: Omit<AdminPort, 'url'>,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(url, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeLimit(timeout)]),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    // The user has asked to stop.
    if (signal.aborted) throw new CommandFailure('', 0);
    const { name, message, cause } = error as Error & { readonly cause?: NodeJS.ErrnoException };
    const reason =
      name === 'TimeoutError'
        ? `nothing within ${timeout / 1000} s`
        : (cause?.code ?? cause?.message ?? message);
    throw new CommandFailure(
      `weir: the gateway does not answer at ${new URL(url).origin} (${printable(reason)}): start it, or name its admin port with ${flag}.`,
      2,
    );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const timeout = 10_000;

const refusal = z.object({ errors: z.tuple([z.object({ message: z.string() })], z.unknown()) });
