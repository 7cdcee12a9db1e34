// Runs a package as Lambda does, in a process of its own: opens it, and sends it events, one after the other. Arguments: its
// `index.mjs`, and the events as JSON. HANDLER names its handler, by default `handler`. Prints the answers, and how many threads were there after each.
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

let started = 0;
threads.Worker = class extends threads.Worker {
  constructor(...given) {
    super(...given);
    started++;
  }
};
syncBuiltinESMExports();

const [, , entry, events] = process.argv;
const handler = (await import(entry))[process.env.HANDLER ?? 'handler'];
const answers = [];
// A busy machine takes longer than Lambda's default for functions.
const context = { awsRequestId: 'r1', getRemainingTimeInMillis: () => 60_000 };
for (const event of JSON.parse(events))
  answers.push({ answer: await handler(event, context), threads: started });
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
