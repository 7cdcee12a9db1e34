import { type HistoryEvent, type SFN } from '@aws-sdk/client-sfn';
import { type StateError } from './interpreter';
import { type HistoryEntry } from './workflows';

/** Reads what happened to an execution of Step Functions, as entries for the states that it has visited. */
export async function readHistory(sfn: SFN, executionArn: string): Promise<HistoryEntry[]> {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await sfn.getExecutionHistory({
      executionArn,
      maxResults: 1000,
      includeExecutionData: true,
      ...(nextToken !== undefined && { nextToken }),
    });
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return entriesOf(events);
}

/** The visits of states in a history of Step Functions. */
export function entriesOf(events: readonly HistoryEvent[]): HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  const change = (changes: Partial<HistoryEntry>): void => {
    const last = entries.pop();
    if (last) entries.push({ ...last, ...changes });
  };
  const enter = (state: string, at: string): void =>
    void entries.push({ state, at, outcome: 'RUNNING', attempts: 0 });

  for (const event of events) {
    const { type = '', timestamp } = event;
    const at = timestamp!.toISOString();
    const last = entries.at(-1);
    const error = errorOf(event);
    if (event.stateEnteredEventDetails) enter(event.stateEnteredEventDetails.name!, at);
    // It goes on in the state that failed, and does not enter it anew.
    else if (type === 'ExecutionRedriven' && last) enter(last.state, at);
    else if (type === 'TaskScheduled' && last) {
      entries.pop();
      entries.push({ state: last.state, at: last.at, outcome: 'RUNNING', attempts: last.attempts + 1 });
    } else if (event.stateExitedEventDetails)
      change({ endedAt: at, outcome: last?.error ? 'CAUGHT' : 'SUCCEEDED' });
    else if (type.startsWith('Execution') && error) change({ endedAt: at, outcome: 'FAILED', error });
    else if (error) change({ error });
  }
  return entries;
}

function errorOf(event: HistoryEvent): StateError | undefined {
  const details =
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskSubmitFailedEventDetails ??
    event.taskStartFailedEventDetails ??
    event.executionFailedEventDetails ??
    event.executionTimedOutEventDetails ??
    event.executionAbortedEventDetails;
  if (!details && event.type !== 'ExecutionAborted' && event.type !== 'ExecutionTimedOut') return undefined;
  return { error: details?.error ?? event.type!, cause: details?.cause ?? '' };
}
