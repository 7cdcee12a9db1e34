import { awsLambda, awsLambdaIfAny } from './response-stream';
import { refuseOnLambda } from './refuse-options';
import { loadOptions } from '../options';
import { noConnections } from '../process/clients/drain';
import {
  createEventHandlers,
  type LambdaHandler,
  type LambdaHandlers,
  type LambdaStreamHandler,
} from './event-handlers';
import type { GatewayOptions } from '../process/given-options';
import { openGateway, type OpenGatewayParts, type RunningGateway } from '../process/start-gateway';

/** The options of a gateway on Lambda: those of `startGateway`, without those of several processes at one port. */
export type LambdaOptions = Omit<GatewayOptions, 'clientConnections' | 'callbackKey' | 'peers'>;

export interface LambdaGateway extends LambdaHandlers {
  readonly gateway: RunningGateway;
}

/**
 * Opens a gateway that answers the events of AWS Lambda, and listens nowhere. An event takes until its traces, usage and audit
 * records are sent, at most `lambda.flush` longer than its answer.
 *
 * @throws {OptionsError} when an option is wrong, or cannot be used on Lambda
 * @throws {SupergraphError} when the supergraph cannot be read or run
 */
export async function openLambda(
  given: LambdaOptions,
  { packaged, transport }: Omit<OpenGatewayParts, 'check'> = {},
): Promise<LambdaGateway> {
  // Nobody could look at what the console would record.
  const admin = { ...given.admin, enabled: false, console: { ...given.admin?.console, enabled: false } };
  const { gateway, current, flush } = await openGateway(
    { ...given, admin, health: {}, clientConnections: noConnections },
    { check: refuseOnLambda, packaged, transport },
  );
  return { gateway, ...createEventHandlers(current().options, current, flush) };
}

/**
 * A gateway as a handler of AWS Lambda that answers in one piece. Wait for it outside of the handler: then it opens before the
 * first event.
 *
 * @throws {OptionsError} when an option is wrong, or cannot be used on Lambda
 * @throws {SupergraphError} when the supergraph cannot be read or run
 */
export async function createHandler(options: LambdaOptions): Promise<LambdaHandler> {
  return (await openLambda(options)).handler;
}

/**
 * A gateway as a handler of AWS Lambda that streams its answers, where what sends the event takes a stream. Otherwise as
 * `createHandler`.
 *
 * @throws {Error} where the global `awslambda` is missing: outside of Lambda's runtime
 */
export async function createStreamHandler(options: LambdaOptions): Promise<LambdaStreamHandler> {
  const runtime = awsLambda();
  return runtime.streamifyResponse((await openLambda(options)).streamHandler);
}

/**
 * A gateway as a handler of AWS Lambda, with the options of the file that `WEIR_CONFIG` names, by default `weir.yaml` in the
 * folder of the function. It opens with the first event; if it cannot, that event fails, and the next one tries again.
 */
export const handler: LambdaHandler = async (event, context) =>
  (await openedFromFile()).handler(event, context);

/** As `handler`, for a function that streams its answers. Outside of Lambda's runtime it throws. */
export const streamHandler: LambdaStreamHandler = streamified(async (event, stream, context) =>
  (await openedFromFile()).streamHandler(event, stream, context),
);

/** Marks a handler for Lambda's runtime, which loads this module. Elsewhere events are refused with a sentence. */
export function streamified(given: LambdaStreamHandler): LambdaStreamHandler {
  return (
    awsLambdaIfAny()?.streamifyResponse(given) ??
    (async (...event) => {
      awsLambda();
      await given(...event);
    })
  );
}

let opened: Promise<LambdaGateway> | undefined;

function openedFromFile(): Promise<LambdaGateway> {
  opened ??= openFromFile().catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

async function openFromFile(): Promise<LambdaGateway> {
  return openLambda(loadOptions({ config: process.env['WEIR_CONFIG'] ?? 'weir.yaml' }));
}
