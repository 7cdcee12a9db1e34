/** How values are written. The locale is that of the browser. */

/** A duration, such as `0.42 ms`, `4.2 ms`, `42 ms`, `4.2 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 0.005) return '0 ms';
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_950 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A count, with separators. */
export const count = (value: number): string => whole.format(value);

/** A count with its noun, such as `1 call`, `2 calls`. @param many the noun's plural */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** A rate per second, such as `0.4/s`, `12/s`; of less than one in 20 seconds it is `< 0.1/s`. */
export function rate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 0.05) return '< 0.1/s';
  return `${perSecond === 0 ? '0' : perSecond < 9.95 ? perSecond.toFixed(1) : count(Math.round(perSecond))}/s`;
}

/** A share from 0 to 1, as `12 %`; the small and the nearly whole with a decimal. */
export function share(value: number): string {
  const percent = value * 100;
  const isPlain = percent === 0 || percent === 100 || (percent >= 9.95 && percent < 99.5);
  return `${isPlain ? Math.round(percent) : percent.toFixed(1)} %`;
}

/** A number of bytes, such as `512 B`, `4.2 kB`, `42 MB`. */
export function bytes(value: number): string {
  const power = Math.min(3, value < 1 ? 0 : Math.floor(Math.log10(value) / 3));
  const scaled = value / 1000 ** power;
  return `${power > 0 && scaled < 9.95 ? scaled.toFixed(1) : Math.round(scaled)} ${['B', 'kB', 'MB', 'GB'][power]!}`;
}

/** The time of day, to the second. @param at Unix milliseconds */
export const clock = (at: number): string => time.format(at);

/** The date. @param at Unix milliseconds */
export const dayOf = (at: number): string => day.format(at);

/** Date and time, to the millisecond, with the zone, as clocks that are put back repeat an hour. @param at Unix milliseconds */
export const moment = (at: number): string => `${day.format(at)}, ${exact.format(at)}`;

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const exact = new Intl.DateTimeFormat(undefined, {
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 },
  ...{ hourCycle: 'h23', timeZoneName: 'short' },
});
