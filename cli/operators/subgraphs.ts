/** The subgraphs that an operator's command is about, and how requests reach them. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { timeLimit } from '../../gateway/net/time-limit';
import { failWithProblems } from '../dev/failed-problems';
import { CommandFailure, type Context } from '../context';
import { withIntrospection, type Introspect } from '../registry/introspection';
import { loadSupergraphConfig } from '../../schema';
import { printable } from '../terminal/printable';
import { readRunningGraph } from '../gateway/running-graph';
import type { OperatorFlags } from './flags';

/** What a subgraph has answered. */
export interface SubgraphAnswer<Answer> {
  readonly name: string;
  readonly answer: Answer;
}

/** The answers of all subgraphs to one request. */
export interface Answers<Answer> {
  readonly served: readonly SubgraphAnswer<Answer>[];
  /** Those that do not have it, such as consumers. */
  readonly without: readonly string[];
  /** A sentence for each that could not be reached. */
  readonly troubles: readonly string[];
}

/** A subgraph refuses a request: a `CONFLICT`, or there is no such thing. */
export class SubgraphRefusal extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** A subgraph that is not there, does not accept the signature, or has failed. */
class Trouble extends Error {}

/** Finds the subgraphs of the flags, and runs a command about them. A refusal ends the command with its sentence. */
export async function withSubgraphs<Result>(
  flags: OperatorFlags,
  context: Context,
  work: (subgraphs: Subgraphs) => Promise<Result>,
): Promise<Result> {
  const { urls, env, options } = await findSubgraphs(flags, context);
  try {
    return await withIntrospection(options === undefined ? {} : { options }, { ...context, env }, (calls) =>
      work(new Subgraphs(urls, calls, context.signal)),
    );
  } catch (error) {
    throw error instanceof SubgraphRefusal ? new CommandFailure(`weir: ${error.message}`, 1) : error;
  }
}

interface SubgraphAccess {
  readonly urls: ReadonlyMap<string, string>;
  /** With the keys of the private link. */
  readonly env: Context['env'];
  readonly options?: string | undefined;
}

const withoutLinkKeys = { WEIR_LINK_KEYS: undefined, WEIR_LINK_KEYS_FILE: undefined };

async function findSubgraphs(
  { subgraph, supergraphConfig, options }: OperatorFlags,
  { env }: Context,
): Promise<SubgraphAccess> {
  const [name, url] = subgraph === undefined ? [] : readSubgraph(subgraph);
  const running = supergraphConfig === undefined ? readRunningGraph() : undefined;
  const isOfRunning = url === undefined || Object.values(running?.subgraphs ?? {}).includes(url);
  // The keys belong to the subgraphs: they replace those of the environment, in either variable.
  const access =
    running !== undefined && isOfRunning && options === undefined
      ? {
          env: running.env ? { ...env, ...withoutLinkKeys, ...running.env } : env,
          options: running.options,
        }
      : { env, options };
  if (url !== undefined) return { urls: new Map([[name!, url]]), ...access };

  const file = supergraphConfig ?? (existsSync('supergraph.yaml') ? 'supergraph.yaml' : undefined);
  const urls = running ? new Map(Object.entries(running.subgraphs)) : await urlsIn(file, env);
  if (name === undefined) return { urls, ...access };
  const own = urls.get(name);
  if (own === undefined)
    throw new CommandFailure(
      `weir: there is no subgraph "${printable(name)}"; there are ${[...urls.keys()].join(', ')}. To ask another one, give its GraphQL endpoint: --subgraph NAME=URL.`,
      2,
    );
  return { urls: new Map([[name, own]]), ...access };
}

async function urlsIn(file: string | undefined, env: Context['env']): Promise<Map<string, string>> {
  if (file === undefined)
    throw new CommandFailure(
      'weir: which subgraphs? No `weir dev` runs in this folder, and there is no supergraph.yaml: name one with --subgraph NAME=URL, or a file that lists them with --supergraph-config FILE.',
      2,
    );
  const { subgraphs } = await loadSupergraphConfig({ file, env }).catch(failWithProblems);
  return new Map(subgraphs.map(({ name, routingUrl }) => [name, routingUrl]));
}

function readSubgraph(text: string): [name: string, url?: string] {
  const [, name, url] = /^([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
  if (name !== undefined && url === undefined) return [name];
  if (name !== undefined && /^https?:\/\//.test(url!) && URL.canParse(url!)) return [name, url!];
  throw new CommandFailure(
    `weir: --subgraph must be NAME, or NAME=URL such as orders=http://127.0.0.1:4005/graphql, but got: "${printable(text)}".`,
    2,
  );
}

const mostBytes = 64 * 1024 * 1024;
const timeout = 30_000;
const errors = z.object({
  errors: z.tuple(
    [z.object({ message: z.string(), extensions: z.object({ code: z.string() }) })],
    z.unknown(),
  ),
});

export class Subgraphs {
  readonly #urls: ReadonlyMap<string, string>;
  readonly #calls: Introspect;
  readonly #signal: AbortSignal;

  constructor(urls: ReadonlyMap<string, string>, calls: Introspect, signal: AbortSignal) {
    this.#urls = urls;
    this.#calls = calls;
    this.#signal = signal;
  }

  get names(): string {
    return [...this.#urls.keys()].join(', ');
  }

  /** Requests something of all subgraphs that not all of them have. */
  async requestAll<Schema extends z.ZodType>(
    path: string,
    body: object,
    schema: Schema,
  ): Promise<Answers<z.output<Schema>>> {
    const served: SubgraphAnswer<z.output<Schema>>[] = [];
    const without: string[] = [];
    const troubles: string[] = [];
    const answers = await Promise.allSettled(
      Array.from(this.#urls.keys(), (name) => this.request(name, path, body, schema)),
    );
    for (const [i, name] of [...this.#urls.keys()].entries()) {
      const answer = answers[i]!;
      if (answer.status === 'fulfilled') served.push({ name, answer: answer.value });
      else if (answer.reason instanceof SubgraphRefusal) without.push(name);
      else if (answer.reason instanceof Trouble) troubles.push(answer.reason.message);
      else throw answer.reason;
    }
    return { served, without, troubles: [...new Set(troubles)] };
  }

  /**
   * Sends a request to one subgraph. Rejects with a {@link SubgraphRefusal} for an error of the request, also of a server
   * that knows nothing of the path.
   */
  async request<Schema extends z.ZodType>(
    name: string,
    path: string,
    body: object,
    schema: Schema,
  ): Promise<z.output<Schema>> {
    const { status, text } = await this.#post(name, path, JSON.stringify(body));
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    const refused = errors.safeParse(json).data?.errors[0];
    const message = printable(refused?.message ?? 'no reason');
    if (refused?.extensions.code === 'LINK_REFUSED')
      throw new Trouble(
        `weir: ${name} does not accept the request: ${message.replace(/\.$/, '')}. Set WEIR_LINK_KEYS or WEIR_LINK_KEYS_FILE to the keys of its private link, or name the options of its gateway with --options.`,
      );
    if (status >= 500)
      throw new Trouble(`weir: ${name} has failed with status ${status} (${message}): its log says more.`);
    const answer = status === 200 ? schema.safeParse(json) : undefined;
    if (answer?.success) return answer.data;
    throw new SubgraphRefusal(message, status);
  }

  async #post(name: string, path: string, body: string): Promise<{ status: number; text: string }> {
    const subgraph = this.#urls.get(name)!;
    if (hasPassword(subgraph))
      throw new Trouble(
        `weir: ${name} has a user name or password in its URL, which are not sent: take them out, and give credentials in the file of --options.`,
      );
    // The path is beside the GraphQL endpoint.
    const url = new URL(path, subgraph).href;
    const call = { subgraph: name, url, body };
    const signed = await this.#calls.sign(call);
    const signal = AbortSignal.any([this.#signal, timeLimit(timeout)]);
    try {
      const response = await this.#calls.fetch(call, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signed },
        ...{ body, redirect: 'manual', signal },
      });
      return { status: response.status, text: await textOf(response, name) };
    } catch (error) {
      if (error instanceof Trouble) throw error;
      // The user has asked to stop.
      if (this.#signal.aborted) throw new CommandFailure('', 0);
      const { name: kind, message, cause } = error as Error & { readonly cause?: NodeJS.ErrnoException };
      const reason =
        kind === 'TimeoutError'
          ? `nothing within ${timeout / 1000} s`
          : (cause?.code ?? cause?.message ?? message);
      throw new Trouble(
        `weir: ${name} does not answer at ${subgraph} (${printable(reason)}): start it, or say where it is with --subgraph ${name}=URL.`,
      );
    }
  }
}

async function textOf({ body }: Response, name: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.byteLength;
    if (bytes > mostBytes)
      throw new Trouble(
        `weir: ${name} answers with more than ${mostBytes / 1024 / 1024} MB: ask for less, with --consumer or --limit.`,
      );
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function hasPassword(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

/** Something that one of the subgraphs has. */
export interface Sought<Answer> {
  /** As it is said, such as `consumer`. */
  readonly what: string;
  readonly name: string;
  /** The names of all that a subgraph has. */
  readonly namesIn: (answer: Answer) => readonly string[];
  /** What is said where no subgraph has any, without `weir:`. */
  readonly none: string;
}

/** The subgraph that has it. @throws {CommandFailure} if none has it, or more than one */
export function ownerOf<Answer>(
  { served, troubles }: Answers<Answer>,
  { what, name, namesIn, none }: Sought<Answer>,
): string {
  const having = served.filter(({ answer }) => namesIn(answer).includes(name));
  if (having.length === 1) return having[0]!.name;
  if (having.length > 1)
    throw new CommandFailure(
      `weir: ${having.map((each) => each.name).join(' and ')} have a ${what} "${printable(name)}" each: name one with --subgraph NAME.`,
      2,
    );
  // It may be in one that could not be reached.
  failFor(troubles);
  const known = served.flatMap(({ name, answer }) =>
    namesIn(answer).map((each) => `${printable(each)} (${name})`),
  );
  throw new CommandFailure(
    `weir: ${known.length === 0 ? none : `there is no ${what} "${printable(name)}"; there are ${known.join(', ')}.`}`,
    2,
  );
}

/** Ends a command with sentences about subgraphs that could not be reached, if there are any. */
export function failFor(troubles: readonly string[]): void {
  if (troubles.length > 0) throw new CommandFailure(troubles.join('\n'), 2);
}
