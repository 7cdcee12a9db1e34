import { fieldError, requestError } from '../../../gateway/errors';

it('makes an error for a field of the facts, without an HTTP status', () => {
  const cause = new Error('connect ECONNREFUSED 127.0.0.1:4003');
  const error = fieldError(
    'SUBREQUEST_HTTP_ERROR',
    { subgraph: 'reviews', status: 500 },
    { path: ['a', 0], cause },
  );
  expect(error.toJSON()).toEqual({
    message: 'Subgraph "reviews" answered with HTTP status 500.',
    path: ['a', 0],
    extensions: { code: 'SUBREQUEST_HTTP_ERROR', service: 'reviews' },
  });
  expect(error.originalError).toBe(cause);
});

it('makes an error for a request, with status and headers', () => {
  const { message, extensions } = requestError(
    'METHOD_NOT_ALLOWED',
    { reason: 'No.' },
    { headers: { allow: 'POST' } },
  );
  expect(message).toBe('No.');
  expect(extensions).toEqual({
    code: 'METHOD_NOT_ALLOWED',
    http: { status: 405, headers: new Map([['allow', 'POST']]) },
  });
});

it.each([
  [1, 'You have 1 subscription already, which is the most.'],
  [2, 'You have 2 subscriptions already, which is the most.'],
])('tells a limit of %d in its grammatical number', (limit, sentence) => {
  const { message } = requestError('MAX_SUBSCRIPTIONS_LIMIT', { limit, of: 'identity' });
  expect(message).toBe(sentence);
});
