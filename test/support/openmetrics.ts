/** A metric of OpenMetrics 1.0, with all its samples. */
export interface OpenMetric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: OpenSample[];
}

export interface OpenSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar: Exemplar | undefined;
}

interface Exemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Unix seconds. */
  readonly at: number | undefined;
}

/**
 * Reads OpenMetrics 1.0 strictly: throws at whatever its specification forbids, among what a gateway may get wrong. Not in
 * it are units, timestamps of samples, and types other than counter, gauge and histogram.
 */
export function readOpenMetrics(text: string): OpenMetric[] {
  if (!text.endsWith('# EOF\n')) throw new Error('It does not end with `# EOF` and one line break.');
  const metrics = new Map<string, { name: string; type: string; help: string; samples: OpenSample[] }>();
  let current: { name: string; type: string; help: string; samples: OpenSample[] } | undefined;
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const described = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line);
    if (described !== null) {
      const [, what, name, rest] = described as unknown as [string, string, string, string];
      if (current?.name !== name) {
        if (metrics.has(name)) fail('A metric is in two places');
        metrics.set(name, (current = { name, type: 'unknown', help: '', samples: [] }));
      }
      if (current.samples.length > 0) fail('A description stands after a sample');
      if (what === 'TYPE') current.type = rest;
      else current.help = unescaped(rest, fail);
    } else if (line.startsWith('#') || line === '') fail('Nothing like that may stand here');
    else {
      const sample = readSample(line, fail);
      if (current === undefined || !namesOf(current).includes(sample.name)) fail('A sample is of no metric');
      if (sample.exemplar !== undefined && !/_(?:bucket|total)$/.test(sample.name))
        fail('No exemplar may be here');
      const key = ({ name, labels }: OpenSample) => JSON.stringify([name, Object.entries(labels).sort()]);
      if (current!.samples.some((each) => key(each) === key(sample))) fail('A sample is there twice');
      current!.samples.push(sample);
    }
  }
  for (const metric of metrics.values()) if (metric.type === 'histogram') checkBuckets(metric);
  return [...metrics.values()];
}

const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
};

const namesOf = ({ name, type }: { name: string; type: string }): string[] =>
  (suffixes[type] ?? []).map((suffix) => name + suffix);

type Fail = (why: string) => never;

function readSample(line: string, fail: Fail): OpenSample {
  const found =
    /^([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? (\S+)(?: # \{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\} (\S+)(?: (\S+))?)?$/.exec(
      line,
    ) ?? fail('It is no sample');
  const [, name, labels = '', value, ofExemplar, exemplar, at] = found as unknown as [
    ...[string, string, string | undefined, string],
    ...[string | undefined, string | undefined, string | undefined],
  ];
  const read = readLabels(ofExemplar ?? '', fail);
  if (Object.entries(read).flat().join('').length > 128) fail('The labels of an exemplar are too long');
  return {
    ...{ name, labels: readLabels(labels, fail), value: numberOf(value, fail) },
    exemplar:
      exemplar === undefined
        ? undefined
        : { labels: read, value: numberOf(exemplar, fail), at: at === undefined ? at : numberOf(at, fail) },
  };
}

function readLabels(text: string, fail: Fail): Record<string, string> {
  const labels: Record<string, string> = {};
  const label = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\.)*)"(,(?=.)|$)/y;
  while (label.lastIndex < text.length) {
    const [, name = '', value = ''] = label.exec(text) ?? fail('Its labels are wrong');
    if (name in labels) fail('A label is there twice');
    labels[name] = unescaped(value, fail);
  }
  return labels;
}

const unescaped = (text: string, fail: Fail): string => {
  if (/[^\\]"/.test(text.replaceAll('\\\\', ''))) fail('A quote is not escaped');
  return text.replace(/\\(.)/g, (_, sign: string) =>
    sign === 'n' ? '\n' : sign === '\\' || sign === '"' ? sign : fail('It has an unknown escape'),
  );
};

function numberOf(text: string, fail: Fail): number {
  if (text === '+Inf') return Infinity;
  if (!/^[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/.test(text)) fail('It has no number');
  return Number(text);
}

/** Buckets ascend, in boundaries and counts; the last is `+Inf`, and the count. Each exemplar is within its bucket. */
function checkBuckets({ name, samples }: OpenMetric): void {
  const groups = new Map<string, OpenSample[]>();
  for (const sample of samples) {
    const key = JSON.stringify(Object.entries(sample.labels).filter(([label]) => label !== 'le'));
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const [sum, count] = group.slice(buckets.length);
    const wrong = (why: string): never => {
      throw new Error(`${why}: ${name}${key}`);
    };
    if (sum?.name !== `${name}_sum` || count?.name !== `${name}_count`)
      wrong('Sum and count are not at the end');
    if (buckets.at(-1)?.labels['le'] !== '+Inf') wrong('The last bucket is not +Inf');
    if (buckets.at(-1)!.value !== count!.value) wrong('The last bucket is not the count');
    let [below, least] = [0, -Infinity];
    for (const { labels, value, exemplar } of buckets) {
      const le = labels['le']!;
      const boundary = le === '+Inf' ? Infinity : Number(le);
      if (!/^(?:\d+\.\d+|\d(?:\.\d+)?e[-+]\d\d|\+Inf)$/.test(le))
        wrong(`The boundary ${le} is not canonical`);
      if (!(boundary > least) || value < below) wrong('Buckets do not ascend');
      if (exemplar !== undefined && !(exemplar.value > least && exemplar.value <= boundary))
        wrong('An exemplar is not within its bucket');
      [below, least] = [value, boundary];
    }
  }
}
