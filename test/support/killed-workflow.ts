/**
 * `killed-workflow.ts ENDPOINT ID FAILURES POINT SIGNAL`: runs an execution of the saga `book-trip`, and sends SIGNAL to
 * this process before its POINTth write, when all earlier ones were answered. Prints how many writes there were when the
 * execution has ended.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { openDatabase } from '../../kit/table/database';
import { readStart } from '../../kit/workflows/engine';
import { openEmbedded } from './embedded-workflows';
import { tripTasks, type Failures } from './trips';
import { bookTrip } from './workflows';

const [endpoint = '', id = '', failures = '{}', last = 'Infinity', signal = 'SIGKILL'] =
  process.argv.slice(2);
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const client = new DynamoDBClient({ endpoint, region: 'local', credentials });
const db = openDatabase({ client: DynamoDBDocumentClient.from(client) });

let writes = 0;
db.onCommand(({ name }) => {
  if (name !== 'Query' && name !== 'GetItem' && ++writes === Number(last)) process.kill(process.pid, signal);
  return undefined;
});

async function run(): Promise<void> {
  const tasks = tripTasks(JSON.parse(failures) as Failures);
  const engine = openEmbedded(db, { definitions: [bookTrip], tasks });
  const execution = { workflow: bookTrip.name, id };
  const definitions = new Map([[bookTrip.name, bookTrip]]);
  await engine.start(readStart(definitions, execution, {}, { correlationid: 'r1' }));
  await engine.wait(execution, 60_000);
  await engine.stop();
  process.stdout.write(`${writes} writes`);
  client.destroy();
}

void run();
