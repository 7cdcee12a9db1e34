/**
 * Merges the metrics of several workers, all as text in Prometheus' format or in OpenMetrics. Every sample gets the label
 * `worker`. Every metric is described once, and its samples are adjacent, as both formats require.
 */
export function mergeMetrics(texts: ReadonlyMap<number, string>): string {
  const metrics = new Map<string, Metric>();
  const ends = new Set<string>();
  for (const [worker, text] of texts) {
    let current: Metric | undefined;
    for (const line of text.split('\n')) {
      const described = /^# (?:HELP|TYPE|UNIT) (\S+)/.exec(line)?.[1];
      if (described !== undefined) {
        current = metricOf(described);
        current.comments.add(line);
      } else if (line === '# EOF') ends.add(line);
      else if (line !== '' && !line.startsWith('#')) {
        (current ?? metricOf(line)).samples.push(withLabel(line, `worker="${worker}"`));
      }
    }
  }
  const lines = [...metrics.values()].flatMap(({ comments, samples }) => [...comments, ...samples]);
  return [...lines, ...ends].map((line) => `${line}\n`).join('');

  function metricOf(name: string): Metric {
    let metric = metrics.get(name);
    if (metric === undefined) metrics.set(name, (metric = { comments: new Set(), samples: [] }));
    return metric;
  }
}

interface Metric {
  readonly comments: Set<string>;
  readonly samples: string[];
}

/** Adds a label to a sample, in front of others: `name 1` or `name{a="b"} 1`. */
function withLabel(sample: string, label: string): string {
  const [name = ''] = /^[A-Za-z_:][\w:]*/.exec(sample) ?? [];
  const rest = sample.slice(name.length);
  return rest.startsWith('{') ? `${name}{${label},${rest.slice(1)}` : `${name}{${label}}${rest}`;
}
