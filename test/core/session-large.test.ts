import { describeLargeSession } from './session-large.ts';

describeLargeSession(131_072, 20_000);
