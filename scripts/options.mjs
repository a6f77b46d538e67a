// The options of the scripts that images, packages and measurements are made with. Imports nothing but Node's own modules.
import process from 'node:process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/**
 * Reads the options that this process was given, and `--help` and `--version`. Ends it after showing these, and with the reason when they
 * are wrong.
 * @template {NonNullable<import('node:util').ParseArgsConfig['options']>} T
 * @param {string} call how the script is called
 * @param {string} help
 * @param {T} options
 */
export function readOptions(call, help, options) {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean' }, version: { type: 'boolean' } } });
    if ('version' in values) {
      process.stdout.write(`${version()}\n`);
      return process.exit(0);
    }
    if (!('help' in values)) return /** @type {ReturnType<typeof parseArgs<{ options: T }>>['values']} */ (values);
    process.stdout.write(`${call} [options]\n\n${help}\n`);
    return process.exit(0);
  } catch (error) {
    if (!isUsageError(error)) throw error;
    process.stderr.write(`${error.message}\n${call} --help tells the options\n`);
    return process.exit(1);
  }
}

function version() {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const manifest = /** @type {{ version: string }} */ (JSON.parse(text));
  return manifest.version;
}

/**
 * @param {unknown} error
 * @returns {error is Error}
 */
function isUsageError(error) {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
