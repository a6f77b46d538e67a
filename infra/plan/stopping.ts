/** More than the Finder or a worker takes to checkpoint and report, even on a slow disk. */
export const STOP_LIMIT_SECONDS = 15;
/** Until every node has heard that a pod of the ingress takes no new connections. */
export const LEAVE_SECONDS = 3;
/** How long connections may drain before the pod of an ingress ends. */
const DRAIN_LIMIT_SECONDS = 30;
/** What a pod of the ingress takes to end. */
export const INGRESS_STOP_SECONDS = DRAIN_LIMIT_SECONDS + LEAVE_SECONDS;
