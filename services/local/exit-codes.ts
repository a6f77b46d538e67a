/** How `npm start` ends, beside the exit codes that all programs of the project have. */
export const LOCAL_EXIT = {
  /** A second Ctrl-C killed everything. */
  killed: 130,
} as const;
