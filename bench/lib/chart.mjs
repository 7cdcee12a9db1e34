/** A chart of the medians: one row of bars per workload, each bar a system, its length requests per second. */
import { referencesIn } from './report.mjs';

const WIDTH = 800;
const LABEL_WIDTH = 270;
const BAR_WIDTH = 360;
const BAR_HEIGHT = 20;
const GAP = 6;

/** Limits are what is reached for, not rivals: grey. */
const colour = (system) =>
  system.startsWith('limit') ? '#b8bec7' : system.startsWith('weir') ? '#0f766e' : '#d08c3f';

/** @returns the text of an SVG. Limit A, being a multiple of the rest, is written but not drawn to scale. */
export function drawChart({ medians, labels, options, node, quotable }) {
  const parts = [];
  let y = 64;
  for (const workload of options.workloads) {
    const rows = medians.filter((row) => row.workload === workload.name);
    if (rows.length === 0) continue;
    const longest = Math.max(
      ...rows.filter(({ system }) => !system.startsWith('limit-a')).map(({ perSecond }) => perSecond),
    );
    const base = rows.find(
      ({ system }) => system === referencesIn(rows).find((name) => name.startsWith('limit-b')),
    );
    parts.push(`<text x="24" y="${y}" class="title">${escape(workload.name)}</text>`);
    parts.push(`<text x="${LABEL_WIDTH}" y="${y}" class="note">${escape(workload.about)}</text>`);
    y += 12;
    for (const row of rows.toSorted((a, b) => b.perSecond - a.perSecond)) {
      const length = Math.max(1, Math.min(1, row.perSecond / longest) * BAR_WIDTH);
      const middle = y + BAR_HEIGHT / 2 + 4;
      const times =
        base === undefined || row === base
          ? ''
          : `, ${(row.perSecond / base.perSecond).toFixed(2)} × limit B`;
      const rate =
        row.perSecond >= 100 ? Math.round(row.perSecond).toLocaleString('en-US') : row.perSecond.toFixed(1);
      parts.push(
        `<text x="${LABEL_WIDTH - 10}" y="${middle}" class="label">${escape(labels[row.system])}</text>`,
      );
      parts.push(
        `<rect x="${LABEL_WIDTH}" y="${y}" width="${length.toFixed(1)}" height="${BAR_HEIGHT}" rx="3" fill="${colour(row.system)}"/>`,
      );
      if (row.perSecond > longest)
        parts.push(`<text x="${LABEL_WIDTH + length - 18}" y="${middle}" class="cut">»</text>`);
      parts.push(
        `<text x="${LABEL_WIDTH + length + 8}" y="${middle}" class="value">${rate}/s${times}</text>`,
      );
      y += BAR_HEIGHT + GAP;
    }
    y += 34;
  }
  const foot =
    `Node ${node}, one core, ${options.connections} connections, medians of ${options.rounds} rounds` +
    (quotable ? '' : ' · too short a run to be quoted');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 10}" font-family="system-ui, sans-serif" font-size="13">
<style>.title{font-weight:600;font-size:16px}.note{fill:#6b7280}.label{text-anchor:end}.value{fill:#374151}.cut{fill:#fff}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="24" y="30" class="note">Requests per second; longer is better</text>
${parts.join('\n')}
<text x="24" y="${y - 6}" class="note">${escape(foot)}</text>
</svg>
`;
}

const escape = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
