/**
 * A page of the documentation as HTML: headings, paragraphs, lists, tables, code, links and emphasis, as far as
 * docs/console.md has them. Other pages are not served, so that links to them are names of files.
 */
export function helpPage(markdown) {
  const blocks = markdown
    .split(/^(```[^]*?^```)$/m)
    .flatMap((part) => (part.startsWith('```') ? [part] : part.trim().split(/\n{2,}/)))
    .filter((part) => part !== '');
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>The console · Weir</title>
    <link rel="stylesheet" href="/console/console.css" />
  </head>
  <body>
    <main class="help-page">
${blocks.map(block).join('\n')}
    </main>
  </body>
</html>
`;
}

function block(text) {
  const [, level, title] = /^(#{1,3}) (.+)$/.exec(text) ?? [];
  if (level !== undefined) return `<h${level.length} id="${idOf(title)}">${inline(title)}</h${level.length}>`;
  if (text.startsWith('```'))
    return `<pre tabindex="0">${escaped(text.split('\n').slice(1, -1).join('\n'))}</pre>`;
  if (text.startsWith('- '))
    return `<ul class="bullets">${text
      .split(/^- /m)
      .slice(1)
      .map((item) => `<li>${inline(item.trim())}</li>`)
      .join('')}</ul>`;
  if (!text.startsWith('|')) return `<p>${inline(text)}</p>`;
  const [head, , ...rows] = text.split('\n').map((line) => line.split('|').slice(1, -1));
  const row = (cells, tag) =>
    `<tr>${cells.map((cell) => `<${tag}>${inline(cell.trim())}</${tag}>`).join('')}</tr>`;
  return `<div class="scroll" tabindex="0"><table><thead>${row(head, 'th')}</thead><tbody>${rows.map((cells) => row(cells, 'td')).join('')}</tbody></table></div>`;
}

/** As GitHub makes it. */
const idOf = (title) =>
  title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');

const inline = (text) =>
  text
    .split(/(`[^`]+`)/)
    .map((part) =>
      part.startsWith('`') && part.length > 1
        ? `<code>${escaped(part.slice(1, -1))}</code>`
        : escaped(part)
            .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
            .replaceAll(/(^|[^\w])_([^_]+)_(?!\w)/g, '$1<em>$2</em>'),
    )
    .join('')
    .replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, (_, name, target) =>
      target.startsWith('#')
        ? `<a href="${target}">${name}</a>`
        : `${name} <span class="muted">(docs/${target})</span>`,
    );

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
