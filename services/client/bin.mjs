#!/usr/bin/env node
// `npx dpr …` in a checkout: installs and bundles what is missing, then runs the command.
import process from 'node:process';

process.argv.splice(2, 0, 'dpr');
await import('../../scripts/run.mjs');
