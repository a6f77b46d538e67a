/** `npm run conformance -- COMMAND…`: does a client, in any language, keep to the protocol? */
import { commandLine, whole } from '@dpr/local/command-line';
import { EXIT } from '@dpr/runtime/exit-codes';
import { runScenarios, type ScenarioResult } from './run.ts';
import { SCENARIOS } from './scenarios/index.ts';

type Options = {
  readonly only?: readonly string[];
  readonly list: boolean;
  readonly jobs: number;
  readonly patience: number;
  readonly json: boolean;
};

/** The client does something otherwise than the protocol says. */
const EXIT_FAILED = 1;

const HELP = `
The client is started once for each scenario, as COMMAND with DPR_CLUSTER=ws://host:port in its environment, the
address of a Finder. It opens one strict session and reads on standard input, a line each:

  add WORKER AMOUNT     a call: add to the counter; calls are numbered from 1
  get WORKER            a call: add 0
  commit                hurry the commit of every call so far
  end                   end the session, and the program with exit code 0

and writes to standard output, a line each and at once:

  completed CALL VALUE  the reply came
  overflow CALL VALUE   the reply came: the sum does not fit into 64 bits, and the counter stays at VALUE
  committed CALL        nothing can take the call back
  lost CALL             a rollback took the call
  rolledback CALL       after a rollback: the last call that survived, 0 if none did; the session goes on
  failed CALL OUTCOME   the worker was removed: unknown, or notExecuted
  ended CODE            the session cannot go on: an error code, or defect if only a defect explains it
  refused CODE          the cluster refuses this client: an error code

Exit codes: 0 all scenarios passed, 1 some failed, 64 the options are wrong.
Example: npm run conformance -- python3 examples/python/conformance.py`;

const program = commandLine('npm run conformance --', 'Plays a Finder and workers to a client in any language.')
  .argument('[command...]', 'the client, with its arguments')
  .passThroughOptions()
  .option('--only <name...>', 'play only these scenarios; put -- before COMMAND then')
  .option('--list', 'print the scenarios, and play none', false)
  .option('--jobs <n>', 'how many scenarios are played at a time', whole(1, 64), 4)
  .option('--patience <ms>', 'how long the client may take for any one thing', whole(100, 600_000), 10_000)
  .option('--json', 'one JSON object for each scenario, in a line of its own', false)
  .addHelpText('after', HELP)
  .allowExcessArguments(true)
  .parse(process.argv.slice(2), { from: 'user' });
const { only, list, jobs, patience, json } = program.opts<Options>();
const command = program.args;

const unknown = (only ?? []).filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown.length > 0) program.error(`There is no scenario ${unknown.join(', ')}; --list names them.`);
const chosen = SCENARIOS.filter(({ name }) => only?.includes(name) ?? true);

if (list) {
  for (const { name, title } of chosen) say(json ? JSON.stringify({ name, title }) : `${name.padEnd(32)} ${title}`);
  process.exit(EXIT.ok);
}
if (command.length === 0) program.error('Give the command that starts the client.');

const results = await runScenarios(chosen, { command, jobs, patienceMs: patience, tell: show });
const failed = results.filter(({ passed }) => !passed);
if (!json) say(`${results.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 ? EXIT.ok : EXIT_FAILED);

function show(result: ScenarioResult): void {
  if (json) return say(JSON.stringify(result));
  const { name, title, passed, failure, errors } = result;
  say(`${passed ? 'ok    ' : 'FAILED'} ${name}: a client ${title}`);
  if (passed) return;
  say(`       ${failure}`);
  for (const line of errors.trimEnd().split('\n')) if (line !== '') say(`       | ${line}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
