import { type Command, type Database } from '../../kit';

/** The commands that a database has sent since it began to count them. */
export interface CommandCounter {
  /** The commands sent so far, in order. */
  readonly commands: readonly Command[];
  /** How many were sent: `count('Query')`, `count('Query', 'reviews')`. */
  count(name: string, table?: string): number;
  /** The largest number of commands of one kind that were in flight at once. */
  peak(name: string, table?: string): number;
  stop(): void;
}

export function countCommands(db: Database): CommandCounter {
  const commands: Command[] = [];
  const inFlight = new Map<string, { now: number; peak: number }>();

  const stop = db.onCommand((command) => {
    commands.push(command);
    const gauges = [command.name, `${command.name} ${command.table}`].map((key) => {
      const gauge = inFlight.get(key) ?? { now: 0, peak: 0 };
      inFlight.set(key, gauge);
      gauge.peak = Math.max(gauge.peak, ++gauge.now);
      return gauge;
    });
    return () => gauges.forEach((gauge) => gauge.now--);
  });
  return {
    commands,
    count: (name, table) =>
      commands.filter((command) => command.name === name && (table === undefined || command.table === table))
        .length,
    peak: (name, table) => inFlight.get(table === undefined ? name : `${name} ${table}`)?.peak ?? 0,
    stop,
  };
}
