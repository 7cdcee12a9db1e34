/** Over 300 lines: the steps of a rehearsal in their order, and what is left and said when one of them fails. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailure, type Context } from '../context';
import { type Child, startChild } from '../dev/child';
import { isInS3, trailInS3 } from '../../gateway/events/archive/archive-bucket';
import { embeddedDynamoDBScript, rehearsalScript } from '../own-package';
import type { RehearseRecoveryFlags } from '../commands/rehearse-recovery';
import { RunningArchive } from './archive';
import { compareItems, type Comparison, countBehind } from './compare';
import { Ledger } from './ledger';
import { numberOf, readArchive } from './read-archive';
import { restoreSnapshot, takeSnapshot } from './snapshot';
import { openFolderStore, openS3Store, type SnapshotStore } from './snapshot-store';
import { type ArchivedEvent, type RehearsalStore, startRehearsalStore } from './store-process';
import { postQuery, sendWrite, Writers } from './writers';

interface RehearsalStep {
  readonly step: string;
  readonly seconds: number;
  readonly says: string;
}

interface RehearsalReport {
  readonly passed: boolean;
  readonly acknowledge: RehearseRecoveryFlags['acknowledge'];
  readonly items: number;
  readonly acknowledgedWrites: number;
  /** Of a write: until it was answered. */
  readonly milliseconds: Spread;
  readonly rtoSeconds: number | null;
  readonly rpo: { readonly lostWrites: number; readonly seconds: number };
  readonly differing: number;
  readonly first: Comparison['first'] | null;
  readonly problems: readonly string[];
  readonly steps: readonly RehearsalStep[];
}

interface Spread {
  readonly median: number;
  readonly p95: number;
}

/** Rejects with a {@link CommandFailure}: exit code 1 if something is lost or damaged, 2 if it cannot begin. */
export async function rehearseRecovery(flags: RehearseRecoveryFlags, context: Context): Promise<void> {
  const { env } = context;
  checkTarget(flags);
  const files = await openFiles(flags.folder);
  const embedded = flags.embedded && startEmbedded(env);
  let store: RehearsalStore | undefined;
  try {
    const endpoint = embedded ? await embedded.ready : flags.endpoint;
    // Without an endpoint it would be AWS.
    if (embedded && endpoint === undefined)
      throw new CommandFailure('weir: the embedded DynamoDB has ended before it was ready.', 2);
    const childEnv = {
      ...environmentOf(env, endpoint),
      ...(flags.acknowledge === 'archived' && { WEIR_ARCHIVE_WAIT: String(longestWait) }),
    };
    const target = flags.embedded ? 'the embedded DynamoDB' : (endpoint ?? 'AWS');
    store = await startRehearsalStore(childEnv, context.signal);
    const rehearsal = new Rehearsal({ flags, context, store, files, target, childEnv });
    await rehearsal.begin().catch((error: unknown) => {
      throw error instanceof CommandFailure
        ? error
        : new CommandFailure(`weir: the rehearsal cannot begin: ${(error as Error).message}`, 2);
    });
    await rehearsal.run();
  } finally {
    await store?.stop();
    if (embedded) await embedded.stop();
    files.close();
  }
}

interface RehearsalOptions {
  readonly flags: RehearseRecoveryFlags;
  readonly context: Context;
  readonly store: RehearsalStore;
  readonly files: SnapshotStore;
  /** The DynamoDB, for people. */
  readonly target: string;
  readonly childEnv: Context['env'];
}

class Rehearsal {
  readonly #options: RehearsalOptions;
  readonly #steps: RehearsalStep[] = [];
  readonly #ledger: Ledger;
  readonly #trail: string;
  /** Aborted when something without which it cannot go on has ended, with the reason, or when the user asks to stop. */
  readonly #over: AbortSignal;
  readonly #failing = new AbortController();
  readonly #problems: string[] = [];
  #subgraph: Child | undefined;
  #writers: Writers | undefined;
  #archive: RunningArchive | undefined;
  /** The work of the last step. */
  #working: Promise<unknown> = Promise.resolve();

  constructor(options: RehearsalOptions) {
    const { files, flags, context } = options;
    this.#options = options;
    this.#ledger = new Ledger(flags.items);
    this.#trail = isInS3(files.place)
      ? trailInS3(files.place, 'archive')
      : join(files.place, 'archive.jsonl');
    this.#over = AbortSignal.any([context.signal, this.#failing.signal]);
  }

  readonly #fail = (reason: Error): void => this.#failing.abort(reason);

  /** Refuses what an earlier rehearsal has left, or removes it. */
  async begin(): Promise<void> {
    const { store, files, flags, target } = this.#options;
    const tables = await store.tables();
    const left = [
      ...(tables.length > 0 ? [`${tables.join(', ')} in ${target}`] : []),
      ...((await files.isEmpty()) ? [] : [files.place]),
    ];
    if (left.length === 0) return;
    if (!flags.reset)
      throw new CommandFailure(
        `weir: an earlier rehearsal has left ${left.join(', and ')}; --reset deletes it.`,
        2,
      );
    await this.#step(
      'reset',
      () => this.#clean(),
      () => `${left.join(', and ')} deleted`,
    );
  }

  async run(): Promise<void> {
    const { context } = this.#options;
    let report: RehearsalReport;
    try {
      report = await this.#rehearse();
    } catch (error) {
      await this.#stopParts();
      await this.#working.catch(() => undefined);
      if (context.signal.aborted) {
        await this.#clean();
        throw new CommandFailure('weir: the rehearsal was stopped, and what it had made is deleted.', 1);
      }
      throw new CommandFailure(
        `weir: the rehearsal failed: ${(error as Error).message} ${this.#whatStays}`,
        1,
      );
    }
    await this.#stopParts();
    if (report.passed) await this.#clean();
    this.#print(report);
  }

  async #rehearse(): Promise<RehearsalReport> {
    const { flags, store, files, target } = this.#options;
    const { items, writers, acknowledge } = flags;
    const ledger = this.#ledger;
    let isLost = false;
    const onBroken = (reason: Error): void => {
      if (!isLost) this.#fail(reason);
    };

    const url = await this.#step(
      'create',
      async () => {
        await store.create();
        return this.#startSubgraph(onBroken);
      },
      () => `${store.names.join(', ')} in ${target}`,
    );
    const archive = (this.#archive = new RunningArchive(this.#trail, url, onBroken));
    const writing = (this.#writers = new Writers({ url, ledger, writers, onBroken }));
    const writesSoFar = () =>
      `${ledger.acknowledgments.length} writes of ${ledger.acknowledgedItems} items are acknowledged`;

    await this.#step(
      'load',
      () => this.#untilAcknowledged(() => ledger.acknowledgedItems >= items / 2),
      writesSoFar,
    );
    await this.#step(
      'snapshot',
      () => takeSnapshot(store, files, archive.position),
      ({ position, parts }) =>
        `${parts.reduce((sum, part) => sum + part.items, 0)} items in ${parts.length} parts, behind event ${numberOf(position)} of the archive, while writes go on`,
    );
    await this.#step(
      'load',
      async () => {
        await this.#untilAcknowledged(() => ledger.acknowledgedItems >= items);
        const until = ledger.acknowledgments.length + Math.floor((Math.random() * items) / 10);
        await this.#untilAcknowledged(() => ledger.acknowledgments.length >= until);
      },
      writesSoFar,
    );

    const lostAt = performance.now();
    isLost = true;
    await this.#step(
      'wipe',
      async () => {
        await store.delete();
        // A subgraph is of no use without its tables, nor is an archive without its subgraph.
        await this.#stopParts();
      },
      () => `all tables are gone, with ${writers} writers at work; the archive has ${archive.events} events`,
    );
    const { position } = await this.#step(
      'restore',
      async () => {
        await store.create();
        const snapshot = await restoreSnapshot(files, store);
        this.#problems.push(...snapshot.problems);
        return snapshot;
      },
      (snapshot) => `${snapshot.items} items of the snapshot`,
    );
    await this.#step(
      'replay',
      () => this.#replay(position),
      (events) => `${events} events of the archive, behind event ${numberOf(position)}`,
    );

    const isWhole = this.#problems.length === 0;
    const rtoSeconds = isWhole ? await this.#use(lostAt) : null;
    const { differing, first, lostWrites, lostSeconds } = await this.#step(
      'compare',
      () => compareItems(store, ledger, { lostAt, hasCopies: isWhole }),
      (compared) => `${compared.differing} of ${ledger.acknowledgedItems} items differ`,
    );
    return {
      passed: isWhole && differing === 0,
      ...{ acknowledge, items: ledger.acknowledgedItems, acknowledgedWrites: ledger.acknowledgments.length },
      milliseconds: spreadOf(writing.answered),
      ...{ rtoSeconds, rpo: { lostWrites, seconds: lostSeconds }, differing, first: first ?? null },
      ...{ problems: this.#problems, steps: this.#steps },
    };
  }

  /** Starts the subgraph on the restored tables, and resolves with the seconds from the loss to its first write. */
  async #use(lostAt: number): Promise<number> {
    const write = this.#ledger.begin({ isNew: true });
    await this.#step(
      'start',
      async () => {
        const started = await this.#startSubgraph(this.#fail);
        this.#archive = new RunningArchive(this.#trail, started, this.#fail);
        await sendWrite(started, write, this.#over);
        this.#ledger.end(write, performance.now());
      },
      () => 'the subgraph has answered a query and a write',
    );
    const rtoSeconds = (performance.now() - lostAt) / 1000;
    await this.#step(
      'follow',
      async () => {
        await this.#archive!.has(write.id, write.revision);
        await this.#until('the read model', async () => {
          const behind = await countBehind(this.#options.store);
          return [behind === 0, behind];
        });
      },
      () => 'the read model has all events, and the archive goes on where it ended',
    );
    return rtoSeconds;
  }

  /** Replays the archive, and resolves with the number of events behind the position. */
  async #replay(position: string): Promise<number> {
    const { store } = this.#options;
    // What is missing in a log of which a part was damaged is in the archive.
    const begin = this.#problems.length === 0 ? numberOf(position) : 0;
    let count = 0;
    let events: ArchivedEvent[] = [];
    const flush = async (): Promise<void> => {
      await store.restore(events, position);
      count += events.filter((event) => numberOf(event.position) > numberOf(position)).length;
      events = [];
    };
    for await (const event of readArchive(this.#trail, (says) => this.#problems.push(says))) {
      if (numberOf(event.position) <= begin) continue;
      if (events.push(event) >= eventsAtOnce) await flush();
    }
    await flush();
    return count;
  }

  /** Resolves with the URL of the subgraph once it has answered a query. `onEnd`: it has ended by itself. */
  async #startSubgraph(onEnd: (reason: Error) => void): Promise<string> {
    this.#over.throwIfAborted();
    let said = '';
    const child = startChild({
      script: rehearsalScript('rehearsal'),
      args: ['--port', '0'],
      env: this.#options.childEnv,
      onLine: (line) => (said = line),
    });
    this.#subgraph = child;
    const failure = () => new Error(`The subgraph has ended. ${said}`);
    const url = await child.ready;
    if (url === undefined) throw failure();
    void child.exit.then(() => {
      if (this.#subgraph === child) onEnd(failure());
    });
    await postQuery(url, { query: '{ item(id: "none") { id } }' }, this.#over);
    return url;
  }

  async #stopParts(): Promise<void> {
    const [subgraph, writers, archive] = [this.#subgraph, this.#writers, this.#archive];
    this.#subgraph = this.#writers = this.#archive = undefined;
    await Promise.all([subgraph?.stop(0), writers?.stop(), archive?.stop()]);
  }

  async #clean(): Promise<void> {
    await this.#options.store.delete();
    await this.#options.files.clear();
  }

  /** Resolves as soon as the condition holds. Rejects where no write is acknowledged for a minute. */
  #untilAcknowledged(isEnough: () => boolean): Promise<void> {
    return this.#until('the writes', () => [isEnough(), this.#ledger.acknowledgments.length]);
  }

  /** Asks until the answer is true. Rejects where neither it nor what is given with it has changed for a minute. */
  async #until(
    what: string,
    look: () => readonly [boolean, unknown] | Promise<readonly [boolean, unknown]>,
  ): Promise<void> {
    let seen: unknown;
    let changedAt = performance.now();
    for (let pause = 10; ; pause = Math.min(2 * pause, 200)) {
      const [isSo, progress] = await look();
      if (isSo) return;
      if (progress !== seen) changedAt = performance.now();
      seen = progress;
      if (performance.now() - changedAt > mostStillMilliseconds)
        throw new Error(`Nothing has become of ${what} for ${mostStillMilliseconds / 1000} s.`);
      await sleep(pause, undefined, { signal: this.#over });
    }
  }

  /** Settles as the promise does, or rejects once the rehearsal is over. */
  async #orOver<Result>(promise: Promise<Result>): Promise<Result> {
    const settled = new AbortController();
    const over = new Promise<never>((_, reject) => {
      const end = () => reject(this.#over.reason as Error);
      if (this.#over.aborted) end();
      this.#over.addEventListener('abort', end, { signal: settled.signal });
    });
    try {
      return await Promise.race([promise, over]);
    } finally {
      settled.abort();
    }
  }

  /** Runs a step, and reports its seconds and what it has come to. Rejects as soon as the rehearsal is over. */
  async #step<Result>(
    step: string,
    work: () => Promise<Result>,
    describeResult: (result: Result) => string,
  ): Promise<Result> {
    const begin = performance.now();
    const working = work();
    this.#working = working;
    const result = await this.#orOver(working);
    const seconds = rounded((performance.now() - begin) / 1000);
    const says = describeResult(result);
    this.#steps.push({ step, seconds, says });
    this.#say(`${step.padEnd(9)} ${seconds.toFixed(2).padStart(8)} s  ${says}.`);
    return result;
  }

  #say(text: string): void {
    const { flags, context } = this.#options;
    if (flags.format === 'text') context.stdout.write(`${text}\n`);
  }

  get #whatStays(): string {
    const { files, target, flags } = this.#options;
    // The embedded DynamoDB ends with the command.
    const places = flags.embedded ? files.place : `${target} and ${files.place}`;
    return `What it has made stays in ${places}, until --reset.`;
  }

  #print(report: RehearsalReport): void {
    const { flags, context } = this.#options;
    const { passed, acknowledge, acknowledgedWrites, milliseconds, rtoSeconds, rpo, first, problems } =
      report;
    if (flags.format === 'json') context.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    this.#say(
      acknowledge === 'archived'
        ? `A write was answered when its event was archived: ${describe(milliseconds)}.`
        : `A write was answered when it was stored: ${describe(milliseconds)}. The archive came later.`,
    );
    if (rtoSeconds !== null)
      this.#say(`RTO ${rtoSeconds.toFixed(2)} s, from the loss to the first answered write.`);
    this.#say(
      `RPO ${rpo.seconds.toFixed(2)} s: ${rpo.lostWrites} of ${acknowledgedWrites} acknowledged writes are lost.`,
    );
    for (const says of problems) this.#say(says);
    if (passed) return;
    if (first) this.#say(`The first key that differs is ${first.key}: ${first.difference}.`);
    const failure = problems.length > 0 ? 'snapshot or archive are damaged' : 'acknowledged writes are lost';
    throw new CommandFailure(
      flags.format === 'json' ? '' : `weir: the rehearsal failed, as ${failure}. ${this.#whatStays}`,
      1,
    );
  }
}

function checkTarget({ endpoint, embedded, yes }: RehearseRecoveryFlags): void {
  if (endpoint !== undefined && embedded)
    throw new CommandFailure('weir: only one of --endpoint and --embedded may be given.', 2);
  if (embedded) return;
  if (endpoint !== undefined && !(/^https?:\/\//.test(endpoint) && URL.canParse(endpoint)))
    throw new CommandFailure(
      `weir: --endpoint must be like http://127.0.0.1:8000, but got: "${endpoint}".`,
      2,
    );
  const isAws =
    endpoint === undefined || /\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/.test(new URL(endpoint).hostname);
  if (isAws && !yes)
    throw new CommandFailure(
      'weir: the rehearsal would create and delete tables at AWS, which needs --yes; --endpoint names another DynamoDB, and --embedded starts one.',
      2,
    );
}

async function openFiles(folder: string): Promise<SnapshotStore> {
  if (isInS3(folder)) {
    if (!/^s3:\/\/[a-z0-9.-]+(?:[/?]|$)/.test(folder))
      throw new CommandFailure(
        `weir: --folder must be like .weir or s3://BUCKET/PREFIX?region=eu-west-1, but got: "${folder}".`,
        2,
      );
    return openS3Store(folder);
  }
  return openFolderStore(folder).catch((error: unknown) => {
    throw new CommandFailure(`weir: --folder ${folder} cannot be made: ${(error as Error).message}.`, 2);
  });
}

const startEmbedded = (env: Context['env']): Child =>
  startChild({
    script: embeddedDynamoDBScript(),
    args: ['--port', '0'],
    env: environmentOf(env, undefined),
    onLine: () => undefined,
  });

/** Settings of subgraphs that this machine may have are not for the one of the rehearsal. */
function environmentOf(env: Context['env'], endpoint: string | undefined): Context['env'] {
  const kept = Object.entries(env).filter(
    ([name]) => name.startsWith('AWS_') || ['PATH', 'HOME', 'NODE_EXTRA_CA_CERTS'].includes(name),
  );
  return { ...Object.fromEntries(kept), DYNAMODB_ENDPOINT: endpoint ?? 'aws', LOG_LEVEL: 'fatal' };
}

function spreadOf(milliseconds: readonly number[]): Spread {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (part: number) => rounded(sorted[Math.floor(part * (sorted.length - 1))] ?? 0);
  return { median: at(0.5), p95: at(0.95) };
}

const describe = ({ median, p95 }: Spread): string => `${median} ms (95 % within ${p95} ms)`;
const rounded = (number: number): number => Math.round(number * 100) / 100;

const eventsAtOnce = 200;
/** How long an answer waits for the archive, in milliseconds: less than writers wait for an answer. */
const longestWait = 25_000;
/** How long nothing may go on before the rehearsal is given up. */
const mostStillMilliseconds = 60_000;
