import { readEvent } from '../../gateway/lambda/event';
import type { LambdaAnswer } from '../../gateway/lambda/lambda-answer';
import { LambdaSink } from '../../gateway/lambda/lambda-sink';
import { LambdaStreamSink } from '../../gateway/lambda/lambda-stream-sink';
import { headersIn, lambdaEvent } from './lambda-events';
import { awsLambdaStub, setAwsLambda, startFunctionStub } from './lambda-runtime-stub';
import { clientOf, headersOf, type Protocol } from './reading-client';
import type { OnRequest, Open, Requests, TestConnection } from './sink-connections';
import { sinkOptions } from './sink-options';

/** Requests that AWS Lambda hands over as events; each is answered in one piece. */
export async function openLambdaSinks(requests: Requests, onRequest: OnRequest): Promise<TestConnection> {
  return {
    ask: () => {
      const event = lambdaEvent('http api', { method: 'GET', path: '/graphql', headers: [] });
      const { head, address, ...form } = readEvent(event, paths);
      const sink = new LambdaSink(form, { corsHeaders: () => [], reply, requests });
      const request = requests.begin(head, address, sink, performance.now());
      sink.belongTo(request);
      onRequest(request);
      const text = ({ body, isBase64Encoded }: LambdaAnswer): string =>
        Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8').toString();
      return {
        head: sink.answered.then((answer) => ({
          status: answer.statusCode,
          headers: new Headers(headersIn(answer)),
        })),
        text: async () => text(await sink.answered),
        part: () => Promise.reject(new Error('There are no parts.')),
        leave: () => undefined,
      };
    },
    close: async () => undefined,
  };
}

/** Requests that AWS Lambda hands over as events; each is answered by a stream. */
export function openLambdaStreamSinks(protocol: Protocol): Open {
  return async (requests, onRequest) => {
    const reset = setAwsLambda(awsLambdaStub);
    const options = { ...sinkOptions(), requests, reply, eventsEnd: 30_000, end: 60_000, longest: 2 ** 30 };
    const api = await startFunctionStub(
      awsLambdaStub.streamifyResponse(async (event, stream) => {
        const { head, address, ...form } = readEvent(event, paths);
        const sink = new LambdaStreamSink(stream, form, options);
        const request = requests.begin(head, address, sink, performance.now());
        sink.belongTo(request);
        onRequest(request);
        await sink.ended;
      }),
    );
    return {
      ask: (takesParts) => {
        const headers = Object.entries(headersOf(protocol, takesParts));
        const sent = { method: 'GET', path: '/graphql', headers };
        const { head, body, cut } = api.invoke(lambdaEvent('function url', sent));
        const answer = Promise.all([head, body]).then(([answered, rest]) => ({
          status: answered.statusCode,
          headers: new Headers(headersIn(answered)),
          body: rest,
        }));
        return clientOf(answer, protocol, cut);
      },
      close: async () => {
        await api.close();
        reset();
      },
    };
  };
}

const paths = { endpoint: '/graphql', basePath: undefined };
const reply = {
  answerTo: (): never => {
    throw new Error('No answer is too large.');
  },
};
