const PREFIX = 'dpr:';
/** All else that looks like a number or like JSON is meant as such. */
const TEXTS = ['dpr:namespace', 'dpr:logLevel', 'dpr:controlToken', 'dpr:clientToken'];

/**
 * The `dpr:` keys of a stack as its file has them, from what Pulumi makes of them: it hands everything out as text, objects and
 * numbers as JSON.
 *
 * @param texts every key of the stack with its prefix
 */
export function settingsOf(texts: Readonly<Record<string, string>>): Record<string, unknown> {
  const own = Object.entries(texts).filter(([key]) => key.startsWith(PREFIX));
  return Object.fromEntries(own.map(([key, text]) => [key.slice(PREFIX.length), meantBy(key, text)]));
}

/** The value that a key's text stands for. One that is no JSON stays a text, and the configuration's check says what it should be. */
export function meantBy(key: string, text: string): unknown {
  if (TEXTS.includes(key)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
