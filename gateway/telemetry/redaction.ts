/** Leaves secrets out of texts. */
export class Redaction {
  #secrets: readonly string[] = [];

  /** Leaves out these, and no others. */
  hide(secrets: readonly string[]): void {
    // In JSON some characters are escaped. The longest come first, as a secret may be a part of another one.
    const all = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
    this.#secrets = [...new Set(all)].sort((a, b) => b.length - a.length);
  }

  redact(text: string): string {
    let redacted = text;
    for (const secret of this.#secrets)
      if (redacted.includes(secret)) redacted = redacted.replaceAll(secret, '[redacted]');
    return redacted;
  }
}
