#!/usr/bin/env node
import { runCommand } from "./command.ts";

const { stdout, stderr, env: environment } = process;
process.exit(await runCommand(process.argv.slice(2), { stdout, stderr, signals: process, environment }));
