import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..');

/** Where limits are kept. */
const LIMITS = [
  'services/client/limits.ts',
  'services/opentelemetry/limits.ts',
  'services/protocol/limits.ts',
  'services/resp/limits.ts',
  'services/runtime/storage/limits.ts',
  'services/runtime/worker/incremental/limits.ts',
];

/** The names of limits, among the times and sizes that are kept beside them. */
const IS_LIMIT = /^MAX_|_LIMIT_/;

const CLIENT = 'client/session-limits.test.ts';
const FIELDS = 'protocol/limits.test.ts';
const LARGE = 'runtime/storage/large-parts.test.ts';
const RESP_CONNECTION = 'resp/connection.test.ts';
const RESP_PARSER = 'resp/command-parser.test.ts';
const WORKER = 'core/worker-at-limits.test.ts';

/** Which test reaches each limit. */
const REACHED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'services/client/limits.ts': {
    MAX_TIME_MS: 'client/connect.test.ts',
    MAX_PAUSE_MS: 'client/link.test.ts',
    MAX_BATCHES_IN_FLIGHT: CLIENT,
    MAX_UNSENT_BYTES: 'client/outbox.test.ts',
    MAX_BATCH_RETRY_MS: 'core/session-retries.test.ts',
    MAX_OPERATION_BYTES: 'client/worker-type.test.ts',
    MAX_UNCOMMITTED_OPERATIONS: CLIENT,
    MAX_UNCOMMITTED_BYTES: CLIENT,
    MAX_WAITING_OPERATIONS: CLIENT,
    MAX_WAITING_BYTES: CLIENT,
    MAX_UNREPORTED_OPERATIONS: 'client/commit.test.ts',
    MAX_OPERATOR_REQUESTS: 'client/operator.test.ts',
  },
  'services/opentelemetry/limits.ts': {
    MAX_LINKED_BATCHES: 'opentelemetry/limits.test.ts',
    MAX_SESSIONS: 'opentelemetry/limits.test.ts',
  },
  'services/protocol/limits.ts': {
    MAX_FRAME_BYTES: FIELDS,
    MAX_FRAMES_IN_MESSAGE: 'protocol/frames-in-message.test.ts',
    MAX_BATCH_OPERATIONS: FIELDS,
    MAX_BATCH_BYTES: FIELDS,
    MAX_WORKER_ID: 'client/check-options.test.ts',
    MAX_WORKERS: FIELDS,
    MAX_KEPT_GENERATIONS: 'core/earlier-generations.test.ts',
    MAX_UNDECIDED: FIELDS,
    MAX_CUT_ENTRIES: FIELDS,
    MAX_DEPENDENCIES: WORKER,
    MAX_DECISIONS: FIELDS,
    MAX_DECISION_ENTRIES: 'core/world-lines.test.ts',
    MAX_UNCOMMITTED_CHECKPOINTS: WORKER,
    MAX_UNCOMMITTED_DEPENDENCIES: WORKER,
    MAX_UNWRITTEN_VERSIONS: WORKER,
    MAX_UNACKNOWLEDGED_BATCHES: WORKER,
    MAX_SESSIONS: WORKER,
    MAX_SESSION_BYTES: WORKER,
    MAX_KEPT_REPLY_BYTES: WORKER,
    MAX_UNWRITTEN_BYTES: WORKER,
    MAX_FINDER_STARTS: 'core/finder-settling.test.ts',
    MAX_KEPT_EVENTS: 'core/finder-events.test.ts',
    MAX_HELD_ANSWERS: 'core/finder-settling.test.ts',
    MAX_WAITING_BATCHES: WORKER,
    MAX_WAITING_BYTES: WORKER,
    CLIENT_RETRY_LIMIT_MS: 'core/session-retries.test.ts',
    MAX_UNDO_BYTES: WORKER,
    MAX_VERSION_JUMP: WORKER,
    MAX_VERSION: WORKER,
    ABSURD_RETRY_LIMIT_MS: 'core/session-retries.test.ts',
    MAX_EXACT_U64: FIELDS,
    MAX_TYPE_BYTES: FIELDS,
    MAX_HOST_BYTES: FIELDS,
    MAX_TOKEN_BYTES: FIELDS,
    MAX_TEXT_BYTES: FIELDS,
  },
  'services/resp/limits.ts': {
    MAX_BULK_BYTES: RESP_PARSER,
    MAX_ARGUMENTS: RESP_PARSER,
    MAX_QUERY_BYTES: RESP_PARSER,
    MAX_INLINE_BYTES: RESP_PARSER,
    MAX_COUNT_BYTES: RESP_PARSER,
    MAX_GUEST_ARGUMENTS: RESP_CONNECTION,
    MAX_GUEST_BULK_BYTES: RESP_CONNECTION,
    MAX_QUEUED_BYTES: RESP_CONNECTION,
    MAX_QUEUED_COMMANDS: RESP_CONNECTION,
    MAX_WATCHED_BYTES: RESP_CONNECTION,
    MAX_NAME_BYTES: RESP_CONNECTION,
    MAX_UNREAD_BYTES: RESP_CONNECTION,
    MAX_ANSWER_BYTES: 'resp/unread-replies.test.ts',
    UNREAD_LIMIT_MS: 'resp/pace.test.ts',
    COMMAND_LIMIT_MS: 'resp/pace.test.ts',
  },
  'services/runtime/storage/limits.ts': {
    RECORD_LIMIT_BYTES: 'runtime/storage/two-slot-file.test.ts',
    META_LIMIT_BYTES: LARGE,
    MANIFEST_LIMIT_BYTES: LARGE,
    INLINE_LIMIT_BYTES: 'runtime/storage/checkpoint-manifest.test.ts',
    TIGHT_INLINE_LIMIT_BYTES: 'runtime/storage/checkpoint-manifest.test.ts',
    MAX_CHECKPOINTS: 'runtime/storage/checkpoint-order.test.ts',
    MAX_PENDING_APPENDS: 'runtime/storage/checkpoint-order.test.ts',
    MAX_EXTENTS: 'runtime/storage/segment-space.test.ts',
    MAX_FREE_SEGMENTS: 'runtime/storage/segments.test.ts',
  },
  'services/runtime/worker/incremental/limits.ts': {
    MAX_CHUNK_BYTES: 'runtime/incremental/chunk-framing.test.ts',
  },
};

describe('limits', () => {
  for (const file of LIMITS) {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    const names = [...text.matchAll(/^export const ([A-Z0-9_]+)/gm)].flatMap(([, name = '']) =>
      IS_LIMIT.test(name) ? [name] : [],
    );

    it(`of ${file} are each reached in a test, which names it`, () => {
      const reached = REACHED[file] ?? {};
      assert.deepEqual(
        names.filter((name) => reached[name] === undefined),
        [],
        'write a test that reaches each of these, at its value and one beyond, and enter it here',
      );
      assert.deepEqual(
        Object.keys(reached).filter((name) => !names.includes(name)),
        [],
        'there are no such limits any more',
      );
      for (const [name, test] of Object.entries(reached)) {
        const body = readFileSync(path.join(ROOT, 'test', test), 'utf8').replace(/^import [^;]*;$/gm, '');
        assert.match(body, new RegExp(`\\b${name}\\b`), `test/${test} does not use ${name}`);
      }
    });
  }
});
