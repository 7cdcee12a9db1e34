/**
 * `killed-relay.ts ENDPOINT SOURCE N`: relays the events in the outboxes of a table, and ends this process in place of
 * its Nth command. It ends with 0 if it needs fewer.
 */
import { openDatabase } from '../../kit';
import { connectDynamoDB } from '../../kit/store/dynamodb';
import { openEventLog } from '../../kit/events/log/event-log';
import { openRelay, type RelayOptions } from '../../kit/events/log/relay';
import { parcelsTableOf } from './event-logs';

const [endpoint = '', source = '', last = ''] = process.argv.slice(2);

async function relay(): Promise<void> {
  const { client } = await connectDynamoDB({ kind: 'endpoint', endpoint });
  const db = openDatabase({ client });
  let commands = 0;
  db.onCommand(() => {
    if (++commands === Number(last)) process.exit(9);
    return undefined;
  });
  const eventLog = openEventLog({ db, source });
  const log: RelayOptions['log'] = { info: ignore, warn: ignore, error: ignore };
  process.stdout.write('relaying\n');
  await openRelay({ db, source, tables: [parcelsTableOf(source)], eventLog, log }).sweep();
  process.exit(0);
}

const ignore = (): void => undefined;

void relay();
