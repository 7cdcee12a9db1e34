import { hideInUrls } from '../options/urls';

/** Options, or a supergraph, that were taken into use, or could not be. */
export interface Load {
  readonly what: 'supergraph' | 'options';
  /** `unchanged`: options were read again; `unavailable`: the source of supergraphs could not be read. */
  readonly result: 'live' | 'refused' | 'unavailable' | 'unchanged';
  /** The beginning of the supergraph's hash. */
  readonly supergraph?: string | undefined;
  /** The names of the options that have changed, at most 20, and how many more there are. */
  readonly changed?: readonly string[];
  readonly more?: number;
  /** Why it was not taken into use, without secrets. */
  readonly reason?: string;
}

export interface NotedLoad extends Load {
  /** Unix milliseconds; of several that were equal one after the other, the last one. */
  readonly at: number;
  /** How often, one after the other. */
  readonly times: number;
}

/** The last loads of supergraphs and options of a process, for the console. */
export class LoadHistory {
  /** When it was created, in Unix milliseconds. */
  readonly since = Date.now();
  readonly #redact: (text: string) => string;
  #loads: NotedLoad[] = [];
  #running: { readonly supergraph: string; readonly since: number } | undefined;

  /** @param redact leaves secrets out of a text */
  constructor(redact: (text: string) => string) {
    this.#redact = redact;
  }

  /** The supergraph that runs, and since when; undefined before the first. */
  get running(): { readonly supergraph: string; readonly since: number } | undefined {
    return this.#running;
  }

  /** The newest first. */
  get all(): readonly NotedLoad[] {
    return this.#loads;
  }

  note({ changed, reason, ...load }: Load): void {
    const at = Date.now();
    const { what, result, supergraph } = load;
    if (what === 'supergraph' && result === 'live' && supergraph !== undefined)
      this.#running = { supergraph, since: at };
    const noted = {
      ...load,
      ...(changed && { changed: changed.slice(0, mostNames) }),
      ...(changed && changed.length > mostNames && { more: changed.length - mostNames }),
      ...(reason !== undefined && { reason: this.#shown(reason) }),
    };
    const [last, ...earlier] = this.#loads;
    const isAgain =
      last !== undefined &&
      (['what', 'result', 'supergraph', 'reason'] as const).every((key) => last[key] === noted[key]) &&
      result !== 'live';
    this.#loads = isAgain
      ? [{ ...noted, at, times: last.times + 1 }, ...earlier]
      : [{ ...noted, at, times: 1 }, ...this.#loads].slice(0, mostLoads);
  }

  #shown(reason: string): string {
    const words = this.#redact(reason).split(' ');
    const shown = words.map((word) => (word.includes('://') ? hideInUrls(word) : word)).join(' ');
    return shown.length > longestReason ? `${shown.slice(0, longestReason)}…` : shown;
  }
}

const mostLoads = 20;
const mostNames = 20;
/** Characters. */
const longestReason = 500;
