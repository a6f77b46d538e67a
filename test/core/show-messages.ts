/** Messages and effects in a line each, for people. */
import type { Message } from '@dpr/protocol';

/** Long identities are told apart by their beginning. */
const SHOWN_OF_AN_IDENTITY = 2;

export function showMessage({ kind, ...fields }: Message): string {
  return `${kind} ${show(fields)}`;
}

/** Maps as `key:value`, bytes as text, objects as `name value`; what is absent, empty or false is left out of objects. */
export function show(value: unknown): string {
  if (value instanceof Map) return `[${[...value].map(([key, one]) => `${show(key)}:${show(one)}`).join(' ')}]`;
  if (value instanceof Uint8Array) return `'${Buffer.from(value).toString()}'`;
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value === 'string')
    return /^[0-9a-f]{16,}$/.test(value) ? value.slice(0, SHOWN_OF_AN_IDENTITY) : `"${value}"`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).filter(([, one]) => one !== undefined && one !== false && one !== '');
  return `{${fields.map(([name, one]) => `${name} ${show(one)}`).join(', ')}}`;
}
