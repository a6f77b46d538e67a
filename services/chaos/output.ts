/** What a program says while it runs: lines for people, or one JSON object per line for programs. */
export type Say = (event: { readonly event: string; readonly [field: string]: unknown }, text: string) => void;

/** @param stream where lines for people go; objects always go to standard output */
export function output(json: boolean, stream: NodeJS.WritableStream = process.stdout): Say {
  if (json) return (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
  return (_, text) => stream.write(`${text}\n`);
}

/** The time of day, as in `14:03:09`. */
export function clock(): string {
  return new Date().toTimeString().slice(0, 8);
}
