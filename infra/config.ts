/** What each stack's configuration is called in Pulumi's files: `dpr:workers`, `dpr:basePort`, … */
export const NAMESPACE_PREFIX = 'dpr:';
