#!/usr/bin/env node
import { runCommand } from "./command.ts";

const { stdout, stderr } = process;
process.exit(await runCommand(process.argv.slice(2), { stdout, stderr, signals: process }));
