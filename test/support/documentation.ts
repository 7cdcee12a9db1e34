/** The pages of the documentation, and the examples in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(__dirname, '../..');

export interface Example {
  /** The page and the line at which its text begins, such as `docs/headers.md:8`. */
  readonly at: string;
  readonly page: string;
  readonly language: string;
  readonly text: string;
  /**
   * The file that the example is: its first line is a comment that names it (`# supergraph.yaml`, `// keys.mjs`), or the
   * sentence before it ends with its name, as in: Name it in `weir.yaml`:
   */
  readonly file: string | undefined;
}

/** Every page but the notes of each release. */
export function pages(): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
      .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1));
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md', ...below('docs')].sort();
}

export const readPage = (page: string): string => readFileSync(join(root, page), 'utf8');

/** All fenced blocks of a page, in their order and without the indentation of the list that they stand in. */
export function examplesOf(page: string, markdown = readPage(page)): Example[] {
  const examples: Example[] = [];
  let open: { indent: string; language: string; line: number; lines: string[] } | undefined;
  let sentence = '';
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^( *)```(.*)$/.exec(line);
    if (open === undefined) {
      if (line !== '' && !fence) sentence = line;
      if (fence) open = { indent: fence[1]!, language: fence[2]!, line: index + 2, lines: [] };
    } else if (fence) {
      const text = open.lines.map((each) => `${each}\n`).join('');
      const [, file] =
        /^(?:#|\/\/) (\S+\.[a-z]+)\b/.exec(text) ?? /`([\w./-]+\.[a-z]+)`:$/.exec(sentence) ?? [];
      sentence = '';
      examples.push({ at: `${page}:${open.line}`, page, language: open.language, text, file });
      open = undefined;
    } else open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line.trimStart());
  }
  if (open !== undefined) throw new Error(`${page}:${open.line - 1}: this block does not end.`);
  return examples;
}

export interface Run {
  readonly command: string;
  /** What the example shows as its output; `undefined` where it shows none. */
  readonly output: string | undefined;
}

/** The commands of a shell example. In `console` blocks they follow a `$`, and what they print follows them. */
export function runsIn({ language, text }: Example): Run[] {
  if (language === 'sh') return [{ command: text, output: undefined }];
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((each) => {
      const [, command, output] = /^((?:.*\\\n)*.*\n)([^]*)$/.exec(each)!;
      return { command: command!, output: output === '' ? undefined : output };
    });
}

/** Whether a text is what the page says, where `…` stands for anything. */
export function fits(printed: string, page: string): boolean {
  if (!page.includes('…')) return false;
  const text = printed.replaceAll('\r', '');
  let from = 0;
  return page
    .trim()
    .split('…')
    .every((part) => {
      const found = text.indexOf(part, from);
      from = found + part.length;
      return found !== -1;
    });
}

/**
 * The simple commands of a text of shell, each as its words: of lists, pipes, substitutions and bodies of functions, too.
 * Redirections and assignments are left out. It knows as much of the shell as examples need.
 */
export function commandsIn(shell: string): string[][] {
  const found: string[][] = [];
  let words: string[] = [];
  const endCommand = () => {
    const isRedirected = (index: number) => /^\d?[<>]+&?$/.test(words[index] ?? '');
    const kept = words.filter(
      (word, index) => !isRedirected(index) && !isRedirected(index - 1) && !/^[{}]$/.test(word),
    );
    while (/^\w+=/.test(kept[0] ?? '')) kept.shift();
    if (kept.length > 0) found.push(kept);
    words = [];
  };
  // A quoted text, a substitution, a comment, an operator, the end of a function's name, white space, or a plain character.
  const token =
    /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\$\(((?:[^()]|\([^()]*\))*)\)|\\\n|\\([^])|(#[^\n]*)|(&&|\|\||[|;&\n])|(\d?>>?&?|<)|(\(\))|([ \t]+)|([^])/g;
  let word: string | undefined;
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  for (const [
    all,
    single,
    double,
    substituted,
    escaped,
    comment,
    operator,
    redirection,
    named,
    space,
  ] of shell.matchAll(token)) {
    if (single !== undefined) word = (word ?? '') + single;
    else if (double !== undefined) {
      for (const [, inner] of double.matchAll(/\$\(((?:[^()]|\([^()]*\))*)\)/g))
        found.push(...commandsIn(inner!));
      word = (word ?? '') + double.replace(/\\(["$`\\])/g, '$1');
    } else if (substituted !== undefined) {
      found.push(...commandsIn(substituted));
      word = (word ?? '') + all;
    } else if (escaped !== undefined) word = (word ?? '') + escaped;
    else if (comment !== undefined && word !== undefined) word += comment;
    else if (operator !== undefined) {
      endWord();
      endCommand();
    } else if (redirection !== undefined) {
      endWord();
      words.push(redirection);
    } else if (named !== undefined) {
      // `post() { …; }`: its name is no command.
      word = undefined;
    } else if (space !== undefined) endWord();
    else if (comment === undefined && all !== '\\\n') word = (word ?? '') + all;
  }
  endWord();
  endCommand();
  return found;
}
