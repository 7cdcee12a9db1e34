import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { proxiesOf, useProxies } from '../../gateway/net/outgoing';
import { type CompareAnswers, comparisonBy } from '../../gateway/replay/compare';
import type { Difference } from '../../gateway/replay/difference';
import { CommandFailure, type Context } from '../context';
import { printableJson } from '../terminal/printable';
import { describeReplay, describeSkipped, type FinishedReplay } from './describe-replay';
import { Endpoint, type ReplayedAnswer } from './endpoint';
import { type ReplayFlags, readFlags, type ReplaySettings } from './flags';
import { Progress } from './progress';
import {
  type InputRequest,
  openSources,
  readRequests,
  type RequestSource,
  survey,
  type Survey,
} from './read-requests';
import { type ReplayRequest } from './requests';
import { ReplayState } from './state';

/** `weir replay`: sends requests to two endpoints, and compares the answers. */
export async function replay(a: string, b: string, flags: ReplayFlags, context: Context): Promise<void> {
  const settings = readFlags(a, b, flags, context.env);
  const compare = comparisonOf(settings);
  const { signal, stderr, stdout } = context;
  const sources = await openSources(settings.from, flags.token, context);
  const input = await survey(sources, signal);
  if (input.total === 0)
    throw new CommandFailure(`weir: --from has no query to send. ${describeSkipped(input.skipped)}`, 2);
  const state = await ReplayState.open(settings.state, digestOf(settings, input), context.env);
  // A folder that does not exist is refused before anything is sent.
  await state.write();
  takeProxies(context);
  const endpoints = { a: new Endpoint(settings.a), b: new Endpoint(settings.b) };
  try {
    if (state.done < input.total) await probe(endpoints, signal);
    const progress = new Progress(stderr, () => ({
      ...{ done: state.done, total: input.total },
      different: state.report.different,
    }));
    try {
      await sendAll({ sources, settings, state, endpoints, compare, signal });
    } finally {
      progress.stop();
    }
  } finally {
    endpoints.a.close();
    endpoints.b.close();
  }
  const { total, skipped } = input;
  const { values, ignore, unordered } = settings;
  const finished: FinishedReplay = {
    ...{ endpoints: { a: endpoints.a.name, b: endpoints.b.name }, rules: { ignore, unordered, values } },
    ...{ requests: total, withoutData: state.withoutData, skipped, ...state.report.toJSON() },
  };
  stdout.write(flags.format === 'json' ? printableJson(finished) : describeReplay(finished, context));
  if (state.done < total)
    throw new CommandFailure(
      `weir: stopped after ${state.done} of ${total} requests. ${
        settings.state === undefined
          ? 'With --state FILE a replay can go on where it was stopped.'
          : 'The same command goes on from here.'
      }`,
      2,
    );
  if (state.report.different > 0) throw new CommandFailure('', 1);
  if (state.withoutData === total)
    throw new CommandFailure(
      'weir: no answer has data, so that nothing is proved: is a token missing, which --header would name?',
      2,
    );
}

function comparisonOf(settings: ReplaySettings): CompareAnswers {
  try {
    return comparisonBy(settings);
  } catch (error) {
    throw new CommandFailure(`weir: --ignore or --unordered: ${(error as Error).message}.`, 2);
  }
}

function takeProxies({ env }: Context): void {
  try {
    useProxies(proxiesOf(env));
  } catch (error) {
    throw new CommandFailure(`weir: ${(error as Error).message}`, 2);
  }
}

function digestOf({ a, b, ignore, unordered, values }: ReplaySettings, { digest }: Survey): string {
  const sides = [a, b].map(({ url, headers, kept }) => [url.href, [...headers.keys()], kept]);
  return createHash('sha256')
    .update(JSON.stringify([digest, sides, ignore, unordered, values]))
    .digest('hex');
}

interface Endpoints {
  readonly a: Endpoint;
  readonly b: Endpoint;
}

/** An endpoint that is not there is no difference. @throws {CommandFailure} */
async function probe(endpoints: Endpoints, signal: AbortSignal): Promise<void> {
  const body = '{"query":"{ __typename }"}';
  for (const [side, endpoint] of Object.entries(endpoints) as [string, Endpoint][]) {
    const { answer } = await unlessStopped(endpoint.send({ body, headers: new Map() }, signal), signal);
    if ('failure' in answer)
      throw new CommandFailure(
        `weir: ${side.toUpperCase()} does not answer at ${endpoint.name}: ${answer.failure}. Nothing was sent.`,
        2,
      );
  }
}

async function unlessStopped<Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return value.catch((error: unknown) => {
    throw signal.aborted ? new CommandFailure('weir: stopped before anything was sent.', 2) : error;
  });
}

interface Replay {
  readonly sources: readonly RequestSource[];
  readonly settings: ReplaySettings;
  readonly state: ReplayState;
  readonly endpoints: Endpoints;
  readonly compare: CompareAnswers;
  readonly signal: AbortSignal;
}

/** Sends what was not sent before, until all is or the user stops. The state is written meanwhile and at the end. */
async function sendAll({ signal, ...replay }: Replay): Promise<void> {
  const { settings, state } = replay;
  const ended = new AbortController();
  const stopped = AbortSignal.any([signal, ended.signal]);
  const requests = dueRequests({ ...replay, signal: stopped });
  const send = async (): Promise<void> => {
    for await (const request of requests) await compareOne({ ...replay, signal: stopped }, request);
  };
  const sending = Promise.all(Array.from({ length: settings.concurrency }, send));
  try {
    await Promise.all([sending.finally(() => ended.abort()), writeNowAndThen(state, stopped)]);
  } finally {
    ended.abort();
    await sending.catch(() => undefined);
  }
  await state.write();
}

interface DueRequest extends InputRequest {
  readonly request: ReplayRequest;
  readonly number: number;
}

/** What is to be sent, each when its time has come. */
async function* dueRequests({
  sources,
  settings: { rate },
  state,
  signal,
}: Pick<Replay, 'sources' | 'settings' | 'state' | 'signal'>): AsyncGenerator<DueRequest> {
  let number = -1;
  let due = 0;
  for await (const { request, from } of readRequests(sources)) {
    if (typeof request === 'string') continue;
    number++;
    if (state.isDone(number)) continue;
    due = Math.max(due + 1000 / rate, performance.now());
    const early = due - performance.now();
    if (early > 0) await pause(early, signal);
    if (signal.aborted) return;
    yield { request, from, number };
  }
}

/** Both get a request at the same time, so that they read the same data. */
async function compareOne(
  { endpoints, compare, state, signal }: Replay,
  { request, from, number }: DueRequest,
): Promise<void> {
  try {
    const [a, b] = await Promise.all([endpoints.a.send(request, signal), endpoints.b.send(request, signal)]);
    const found = compare(a.answer, b.answer, request.document);
    const differences = withoutSecrets(found, [
      ...endpoints.a.secretsOf(request),
      ...endpoints.b.secretsOf(request),
    ]);
    state.report.add({ operation: request.operation, differences, a, b, from });
    if (!hasData(a) && !hasData(b)) state.withoutData++;
    state.finish(number);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** An endpoint may repeat what it was sent, as a name or a code. */
function withoutSecrets(
  differences: readonly Difference[],
  secrets: readonly string[],
): readonly Difference[] {
  const text = JSON.stringify(differences);
  const shown = secrets.reduce(
    (rest, secret) => rest.replaceAll(JSON.stringify(secret).slice(1, -1), '[hidden]'),
    text,
  );
  return shown === text ? differences : (JSON.parse(shown) as readonly Difference[]);
}

function hasData({ answer }: ReplayedAnswer): boolean {
  if ('failure' in answer) return false;
  // As most answers begin.
  if (answer.body.startsWith('{"data":{')) return true;
  try {
    return (JSON.parse(answer.body) as { data?: unknown } | null)?.data != null;
  } catch {
    return false;
  }
}

async function writeNowAndThen(state: ReplayState, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(betweenWrites, signal);
    await state.write();
  }
}

const betweenWrites = 1000;

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  delay(milliseconds, undefined, { signal }).catch(() => undefined);
