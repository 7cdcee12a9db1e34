import type { Output } from '../context';

/** How far a replay is. */
export interface ReplayProgress {
  readonly done: number;
  readonly total: number;
  readonly different: number;
}

/** Shows the progress in one line of a terminal; elsewhere, as a line every ten seconds. */
export class Progress {
  readonly #output: Output;
  readonly #read: () => ReplayProgress;
  readonly #before: number;
  readonly #start = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(output: Output, read: () => ReplayProgress) {
    this.#output = output;
    this.#read = read;
    this.#before = read().done;
    const show = (): void =>
      void output.write(output.isTTY ? `\r${this.#line()}\u001b[K` : `${this.#line()}\n`);
    this.#timer = setInterval(show, output.isTTY ? 200 : 10_000);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#output.isTTY) this.#output.write('\r\u001b[K');
  }

  #line(): string {
    const { done, total, different } = this.#read();
    const perSecond = ((done - this.#before) * 1000) / (performance.now() - this.#start);
    const left = perSecond > 0 ? `, ${describeSeconds((total - done) / perSecond)} left` : '';
    return `${done} of ${total} requests, ${different} different${left}`;
  }
}

const describeSeconds = (seconds: number): string =>
  seconds < 90
    ? `${Math.ceil(seconds)} s`
    : seconds < 5400
      ? `${Math.round(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`;
