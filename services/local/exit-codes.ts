/** How `npm start` ends, beside the exit codes that all programs of the project have. */
export const LOCAL_EXIT = {
  /** The options are wrong (`EX_USAGE`). */
  usage: 64,
  /** A second Ctrl-C killed everything. */
  killed: 130,
} as const;
