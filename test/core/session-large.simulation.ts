import { MAX_UNCOMMITTED_OPERATIONS } from '../../services/client/limits.ts';
import { describeLargeSession } from './session-large.ts';

describeLargeSession(MAX_UNCOMMITTED_OPERATIONS, 120_000);
