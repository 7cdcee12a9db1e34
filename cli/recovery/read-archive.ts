import { isInS3, readS3Trail } from '../../gateway/events/archive/archive-bucket';
import { readLine } from '../../gateway/telemetry/audit/record';
import { linesOf, verifyAudit } from '../../gateway/telemetry/audit/verify';
import type { ArchivedEvent, RehearsalEvent } from './store-process';

interface ArchiveRecord {
  readonly time: string;
  readonly details: { readonly position: string; readonly event: RehearsalEvent };
}

/**
 * The events of a trail in their order, up to its end or its first problem: a record that was changed, moved or removed,
 * or a position that is missing. `onProblem` gets that as a sentence. Rejects if the trail cannot be read.
 */
export async function* readArchive(
  trail: string,
  onProblem: (problem: string) => void,
): AsyncIterable<ArchivedEvent> {
  const parts = isInS3(trail) ? readS3Trail : undefined;
  const { problems } = await verifyAudit([trail], { read: parts });
  const [problem] = problems;
  let last = 0;
  for await (const { file, lines } of parts?.(trail) ?? [{ file: trail, lines: linesOf(trail) }]) {
    let number = 0;
    for await (const line of lines) {
      number++;
      if (problem?.file === file && problem.line === number) {
        onProblem(`${file}:${number}: ${problem.message}`);
        return;
      }
      // Half a line of a writer that was killed is no problem.
      if (readLine(line, undefined) === undefined) continue;
      const { time, details } = JSON.parse(line) as ArchiveRecord;
      const position = numberOf(details.position);
      if (position !== last + 1) {
        onProblem(
          `${file}:${number}: The archive has event ${position} after event ${last}: there is a gap.`,
        );
        return;
      }
      last = position;
      yield { position: details.position, event: details.event, at: Date.parse(time) };
    }
  }
  // It is of no line that is there, as where the trail was emptied.
  if (problem !== undefined) onProblem(`${problem.file}:${problem.line}: ${problem.message}`);
}

/** How many events there are up to a position of the log of a subgraph; 0 for the beginning. */
export const numberOf = (position: string): number => Number(position.split('-').at(-1));
