/**
 * Runs a package as Lambda's runtime runs a function that streams, in a process of its own. Arguments: its `index.mjs`, and an
 * event as JSON. Prints the head of the answer and its body.
 */
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import type { LambdaStreamHandler } from '../../gateway/lambda/index';
import { awsLambdaStub, setAwsLambda, startFunctionStub } from './lambda-runtime-stub';

async function run(entry: string, event: string): Promise<void> {
  setAwsLambda(awsLambdaStub);
  const { streamHandler } = (await import(pathToFileURL(entry).href)) as {
    readonly streamHandler: LambdaStreamHandler;
  };
  const stub = await startFunctionStub(streamHandler);
  const { head, body } = stub.invoke(JSON.parse(event));
  const printed = JSON.stringify({ head: await head, body: await text(await body) });
  process.stdout.write(printed, () => process.exit(0));
}

void run(process.argv[2]!, process.argv[3]!);
