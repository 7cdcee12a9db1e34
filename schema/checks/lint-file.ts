import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { defaultLintRules, lintRules, type LintRules } from './lint';
import { RegistryError } from '../registry/version';

/** Reads a YAML file such as `type-names: error`. @throws {RegistryError} when it cannot be used */
export async function readLintRules(file: string): Promise<LintRules> {
  const content = await readYaml(file);
  if (typeof content !== 'object' || Array.isArray(content))
    throw new RegistryError(`${file} must be a map of rules, such as \`type-names: error\`.`);
  for (const [rule, level] of Object.entries(content ?? {})) {
    if (!Object.hasOwn(lintRules, rule))
      throw new RegistryError(
        `${file}: there is no rule \`${rule}\`; there are ${Object.keys(lintRules).join(', ')}.`,
      );
    if (!levels.has(level))
      throw new RegistryError(
        `${file}: \`${rule}\` must be off, warning or error, but got: ${JSON.stringify(level)}.`,
      );
  }
  return { ...defaultLintRules, ...content };
}

const levels = new Set<unknown>(['off', 'warning', 'error']);

async function readYaml(file: string): Promise<unknown> {
  try {
    return parse(await readFile(file, 'utf8')) as unknown;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new RegistryError(
      code === 'ENOENT' ? `${file} does not exist.` : `${file} cannot be read: ${message}`,
    );
  }
}
