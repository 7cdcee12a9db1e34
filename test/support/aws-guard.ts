import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { request } from 'undici';
import { type AwsCall, type AwsCommand, callsOf, isAllowed, type Policy } from './aws-policies';

export interface AwsGuard {
  readonly endpoint: string;
  readonly close: () => Promise<void>;
}

export interface AwsGuardOptions {
  /** Where a command goes that is not refused. */
  readonly upstream: (command: AwsCommand) => string;
  /** Why a command is refused. */
  readonly refusal: (command: AwsCommand) => string | undefined;
}

/** Stands before services of AWS and refuses commands as IAM does. */
export async function startAwsGuard({ upstream, refusal }: AwsGuardOptions): Promise<AwsGuard> {
  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const command = commandIn(incoming, body.toString());
    const reason = refusal(command);
    if (reason !== undefined) {
      refuse(command, reason, outgoing);
      return;
    }
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).filter(([name]) => !ofConnection.has(name)),
    );
    const { method, url } = incoming;
    const target = new URL(url!, upstream(command));
    const answered = await request(target, { method: method as 'POST', headers, body });
    // URLs of queues lead here, too.
    const text = (await answered.body.text()).replaceAll(target.origin, `http://${incoming.headers.host!}`);
    const type = answered.headers['content-type'] ?? 'application/x-amz-json-1.0';
    outgoing.writeHead(answered.statusCode, { 'content-type': type }).end(text);
  }

  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch((error: unknown) => outgoing.writeHead(500).end(String(error)));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

const ofConnection = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'expect']);

/** What an SDK sends: JSON with a header that names the operation, a form, or what a path says. */
function commandIn({ headers, method, url = '' }: IncomingMessage, body: string): AwsCommand {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const [service = '', operation = ''] = target.split('.');
    const input = JSON.parse(body) as AwsCommand['input'];
    return { service: services[service.split('_')[0]!] ?? service, operation, input };
  }
  const [, FunctionName] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(url) ?? [];
  if (FunctionName !== undefined)
    return { service: 'lambda', operation: 'InvokeFunction', input: { FunctionName } };
  const { pathname } = new URL(url, 'http://guard');
  if (method === 'GET') {
    const [, Bucket, ...Key] = decodeURIComponent(pathname).split('/');
    return { service: 's3', operation: 'GetObject', input: { Bucket, Key: Key.join('/') } };
  }
  const { Action: operation = '', ...input } = Object.fromEntries(new URLSearchParams(body));
  return { service: 'sns', operation, input };
}

const services: Readonly<Record<string, string>> = {
  DynamoDB: 'dynamodb',
  AmazonSQS: 'sqs',
  AWSStepFunctions: 'states',
  Route53AutoNaming: 'servicediscovery',
};

function refuse({ service }: AwsCommand, reason: string, outgoing: ServerResponse): void {
  if (service === 'sns') {
    const error = `<Type>Sender</Type><Code>AuthorizationError</Code><Message>${reason}</Message>`;
    const text = `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error>${error}</Error></ErrorResponse>`;
    outgoing.writeHead(403, { 'content-type': 'text/xml' }).end(text);
    return;
  }
  const type = 'com.amazon.coral.service#AccessDeniedException';
  outgoing.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
  outgoing.end(JSON.stringify({ __type: type, message: reason }));
}

/** A guard that allows what a policy does, and remembers what it was asked for. */
export async function guardByPolicy(policy: Policy, upstream: AwsGuardOptions['upstream']) {
  const calls: AwsCall[] = [];
  const guard = await startAwsGuard({
    upstream,
    refusal(command) {
      const needed = callsOf(command);
      calls.push(...needed);
      const refused = needed.find((call) => !isAllowed(policy, call));
      return refused && `no policy allows ${refused.action} on ${refused.resource}`;
    },
  });
  return { ...guard, calls };
}
