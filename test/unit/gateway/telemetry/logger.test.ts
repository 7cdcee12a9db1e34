import { createLogger } from '../../../../gateway/telemetry/logger';

let lines: string[];
const openLogger = () => createLogger({ level: 'info', destination: { write: (line) => lines.push(line) } });
const withoutTime = (line: string): string => line.replace(/"time":"[^"]*"/, '"time":""');

beforeEach(() => (lines = []));

it('writes facts that are JSON already as it writes facts', () => {
  const logger = openLogger();
  logger.info({ path: '/graphql', status: 200 }, 'request');
  logger.writeLine('info', ',"path":"/graphql","status":200', 'request');
  expect(withoutTime(lines[1]!)).toBe(withoutTime(lines[0]!));
  expect(JSON.parse(lines[1]!)).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    name: 'gateway',
    path: '/graphql',
    status: 200,
    msg: 'request',
  });
});

it('leaves secrets out of both', () => {
  const logger = openLogger();
  const child = logger.child({ requestId: 'r' });
  const pathsOf = (path: string): string[] => {
    lines = [];
    logger.info({ path }, 'request');
    child.info({ path }, 'request');
    logger.writeLine('info', `,"path":"${path}"`, 'request');
    return lines.map((line) => (JSON.parse(line) as { path: string }).path);
  };
  logger.hide(['secret', 'very-secret']);
  expect(pathsOf('/very-secret')).toEqual(Array(3).fill('/[redacted]'));
  logger.hide(['another']);
  expect(pathsOf('/another/very-secret')).toEqual(Array(3).fill('/[redacted]/very-secret'));
});

it('writes for people where it is asked to, and keeps control characters from both forms', () => {
  const evil = '\u009b2J\u202e';
  for (const format of ['json', 'pretty'] as const) {
    const logger = createLogger({
      level: 'info',
      format,
      destination: { write: (line) => lines.push(line) },
    });
    logger.warn({ evil }, 'odd');
    logger.writeLine('info', ',"status":200', 'request');
  }
  expect(lines.map((line) => line.replace(/\d\d:\d\d:\d\d\.\d{3}/, '12:00:00.000'))).toEqual([
    expect.stringMatching(/^\{"level":"warn",.*"evil":"\\u009b2J\\u202e","msg":"odd"\}\n$/),
    expect.stringMatching(/^\{"level":"info",.*"status":200,"msg":"request"\}\n$/),
    '12:00:00.000 warn odd evil="\\u009b2J\\u202e"\n',
    '12:00:00.000 info request status=200\n',
  ]);
});
