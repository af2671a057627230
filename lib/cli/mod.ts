/**
 * The command line: arguments, commands, rendering, exit codes, signals. The only room that prints.
 *
 * @module
 */

export { main } from "./main.ts";
