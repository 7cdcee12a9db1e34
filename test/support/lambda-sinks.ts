import { readEvent } from '../../gateway/lambda/event';
import type { LambdaAnswer } from '../../gateway/lambda/lambda-answer';
import { LambdaSink } from '../../gateway/lambda/lambda-sink';
import { lambdaEvent, headersIn } from './lambda-events';
import type { OnRequest, Requests, TestConnection } from './sink-connections';

/** Requests that AWS Lambda hands over as events; each is answered in one piece. */
export async function openLambdaSinks(requests: Requests, onRequest: OnRequest): Promise<TestConnection> {
  const reply = {
    answerTo: (): never => {
      throw new Error('No answer is too large.');
    },
  };
  return {
    ask: () => {
      const event = lambdaEvent('http api', { method: 'GET', path: '/graphql', headers: [] });
      const { head, address, ...form } = readEvent(event, { endpoint: '/graphql', basePath: undefined });
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
