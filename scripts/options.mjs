// The options of the scripts that images, packages and measurements are made with. Imports nothing but Node's own modules.
import process from 'node:process';
import { parseArgs } from 'node:util';

/**
 * Reads the options that this process was given, and `--help`. Ends it after showing help, and with the reason when they
 * are wrong.
 * @template {NonNullable<import('node:util').ParseArgsConfig['options']>} T
 * @param {string} call how the script is called
 * @param {string} help
 * @param {T} options
 */
export function readOptions(call, help, options) {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } });
    if (!('help' in values)) return /** @type {ReturnType<typeof parseArgs<{ options: T }>>['values']} */ (values);
    process.stdout.write(`${call} [options]\n\n${help}\n`);
    return process.exit(0);
  } catch (error) {
    if (!isUsageError(error)) throw error;
    process.stderr.write(`${error.message}\n${call} --help tells the options\n`);
    return process.exit(1);
  }
}

/**
 * @param {unknown} error
 * @returns {error is Error}
 */
function isUsageError(error) {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
