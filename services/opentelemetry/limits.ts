/** What is remembered of sessions, so that later spans can be linked with earlier ones. */

/** Batches of one session that are not committed; a commit is linked with the newest of them. SDKs keep as many links of a span. */
export const MAX_LINKED_BATCHES = 128;

/** Sessions that have such batches; the one that began nothing for longest is forgotten first. */
export const MAX_SESSIONS = 1_024;
