/** The DPR wire protocol: frames, their codec and every limit. The document for other languages is WIRE.md. */
export * from './limits.ts';
export { FrameError, Reader, Writer } from './fields.ts';
/** The vocabulary of fields, for records that live on disk in the same encoding. */
export * as fields from './fields.ts';
export { FRAME_TYPES } from './frame-types.ts';
export { BATCH_HEADER_BYTES, REPLY_HEADER_BYTES, type Batch, type Reply } from './batch.ts';
export { decodeMessage, encodeMessage } from './frames-in-message.ts';
export { createSlab } from './slab.ts';
export {
  decode,
  describeFrames,
  draftBytes,
  draftOf,
  encode,
  ERROR_CODES,
  type CheckpointInfo,
  type Decision,
  type Draft,
  type ErrorCode,
  type Fields,
  type FrameKind,
  type Member,
  type MemberStatus,
  type Message,
  type MessageOf,
  type PastEvent,
  type Stamp,
  type Versions,
} from './messages.ts';
