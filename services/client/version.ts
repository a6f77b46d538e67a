/** The version of the project, which all of its packages and programs share. */
import manifest from './package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
