import { existsSync } from 'node:fs';
import { z } from 'zod';
import { ReplayReport, type SavedReport } from '../../gateway/replay/report';
import { CommandFailure, type Context } from '../context';
import { readFileInput } from '../terminal/input';
import { privately, replaceFile } from '../terminal/replace-file';
import { count, pathSchema } from './report-schema';

interface SavedState {
  readonly weirReplay: 1;
  /** Of requests, endpoints and rules: only with the same ones it goes on. */
  readonly digest: string;
  /** All requests before this one were compared. */
  readonly next: number;
  /** And these behind it. */
  readonly beyond: readonly number[];
  readonly withoutData: number;
  readonly report: SavedReport;
}

/** What was compared so far: which requests, by their number, and the report. A file has it, where one is named. */
export class ReplayState {
  readonly report: ReplayReport;
  /** How many pairs of answers have no data. */
  withoutData: number;
  readonly #file: string | undefined;
  readonly #digest: string;
  #next: number;
  readonly #beyond: Set<number>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string | undefined, digest: string, saved?: SavedState) {
    this.#file = file;
    this.#digest = digest;
    this.report = new ReplayReport(...(saved ? [saved.report] : []));
    this.withoutData = saved?.withoutData ?? 0;
    this.#next = saved?.next ?? 0;
    this.#beyond = new Set(saved?.beyond);
  }

  /** @throws {CommandFailure} if the file is another one */
  static async open(file: string | undefined, digest: string, env: Context['env']): Promise<ReplayState> {
    if (file === undefined || !existsSync(file)) return new ReplayState(file, digest);
    const saved = parseState(await readFileInput('--state', file, env));
    if (saved === undefined)
      throw new CommandFailure(`weir: --state names ${file}, which no \`weir replay\` has written.`, 2);
    if (saved.digest !== digest)
      throw new CommandFailure(
        `weir: ${file} is the state of another replay, with other requests, endpoints, headers or rules: name another file with --state, or remove it.`,
        2,
      );
    return new ReplayState(file, digest, saved);
  }

  isDone(number: number): boolean {
    return number < this.#next || this.#beyond.has(number);
  }

  /** How many were compared. */
  get done(): number {
    return this.#next + this.#beyond.size;
  }

  finish(number: number): void {
    this.#beyond.add(number);
    while (this.#beyond.delete(this.#next)) this.#next++;
  }

  /** Replaces the file; a process that is killed leaves the file of before, or this one. */
  async write(): Promise<void> {
    if (this.#file === undefined) return;
    const saved: SavedState = {
      ...{ weirReplay: 1, digest: this.#digest, next: this.#next, beyond: [...this.#beyond] },
      ...{ withoutData: this.withoutData, report: this.report.save() },
    };
    const text = JSON.stringify(saved);
    this.#writing = this.#writing.then(() => replaceFile(this.#file!, text, privately));
    await this.#writing;
  }
}

/** Undefined if it is none, or somebody has changed it. */
function parseState(text: string): SavedState | undefined {
  try {
    const state = savedState.parse(JSON.parse(text));
    return state.next + state.beyond.length === state.report.all.compared ? state : undefined;
  } catch {
    return undefined;
  }
}

const figures = z.object({
  ...{ durations: z.record(z.string().regex(/^-?\d{1,4}$/), count), counted: count, calls: count },
});
const row = z.object({ compared: count, different: count, a: figures, b: figures });
const savedState: z.ZodType<SavedState> = z.object({
  ...{ weirReplay: z.literal(1), digest: z.string(), next: count, beyond: z.array(count) },
  withoutData: count,
  report: z.object({
    all: row,
    operations: z.array(
      z.object({
        operation: z.object({ hash: z.string(), name: z.string().optional(), text: z.string().optional() }),
        ...{ row, paths: z.array(pathSchema) },
      }),
    ),
  }),
});
