/** The first byte of every frame. Numbers are never used again for something else. */
export const FRAME_TYPES = {
  hello: 0x01,
  welcome: 0x02,
  error: 0x03,
  several: 0x04,

  batch: 0x10,
  reply: 0x11,
  commit: 0x12,
  table: 0x13,
  tableAnswer: 0x14,
  cut: 0x15,
  refresh: 0x16,
  // 0x17 was `relay`: a client told a worker of decisions.
  sessionEnded: 0x18,

  fetchCluster: 0x20,
  cluster: 0x21,

  claim: 0x30,
  claimed: 0x31,
  register: 0x32,
  registered: 0x33,
  checkpoint: 0x34,
  graph: 0x35,
  seal: 0x36,
  progress: 0x37,
  leave: 0x38,
  drained: 0x39,
  left: 0x3a,
  fetchReached: 0x3b,
  reached: 0x3c,

  deleteWorker: 0x40,
  deleteAnswer: 0x41,
  status: 0x42,
  statusAnswer: 0x43,
  subscribe: 0x44,
  events: 0x45,
  eventsAnswer: 0x46,
} as const;
