import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => join('docs', name))];

it.each(pages.filter((name) => name.endsWith('.md')))(
  "runs in %s only what is installed: on the npm registry the name is somebody else's",
  (page) => {
    const [, ...parts] = readFileSync(join(root, page), 'utf8').split('```');
    const examples = parts.filter((_, index) => index % 2 === 0).join('\n');
    expect(examples).not.toMatch(/npx (?!--no-install )/);
  },
);
