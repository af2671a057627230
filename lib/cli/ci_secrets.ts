// What `pivot ci run` must not show. Invariant: everything that is printed while a pipeline runs went through `hide`: the
// output of tasks, plans, events, results, errors, and what a module prints by itself.

import { format } from "node:util";
import { PivotError } from "../core/mod.ts";
import type { CommandContext } from "./main.ts";
import type { Terminal } from "./terminal.ts";

/** Secrets of one run. */
export interface Secrets {
  /** Those asked for by name, for `((name))`. */
  readonly named: readonly (readonly [name: string, value: string])[];
  /** All texts that are not shown; lines of a long one, such as a private key, also by themselves. */
  readonly texts: readonly string[];
  /** A text without them. */
  hide(text: string): string;
  /** A value as JSON, without them. */
  json(value: unknown): string;
}

/** Variables whose values are secrets by their names. */
const SECRET_NAME = /(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS)$/i;
/** Shorter ones that were not named would hide ordinary words. */
const MIN_SECRET_CHARS = 6;

/**
 * The secrets of the environment: variables that were named, and those whose names say it.
 *
 * @throws {PivotError} `no-secret` (kind `usage`) if a named one is not set.
 */
export function secretsOf(names: readonly string[], environment: CommandContext["environment"]): Secrets {
  const named = names.map((name) => {
    const value = environment.variable(name);
    if (value !== undefined && value !== "") return [name, value] as const;
    throw new PivotError(`the environment variable "${name}" of --secret-env is not set`, {
      code: "no-secret",
      kind: "usage",
      hint: "set it, or leave the option out",
    });
  });
  const guessed = environment.names().filter((name) => SECRET_NAME.test(name))
    .map((name) => environment.variable(name) ?? "").filter((value) => value.length >= MIN_SECRET_CHARS);
  const whole = [...named.flatMap(([, value]) => [value, value.trim()]), ...guessed];
  const lines = whole.filter((value) => value.includes("\n")).flatMap((value) => value.split(/\r?\n/))
    .filter((line) => line.trim().length >= MIN_SECRET_CHARS);
  const texts = [...new Set([...whole, ...lines].flatMap(spellings))].filter((text) => text !== "")
    .sort((a, b) => b.length - a.length);
  const hide = (text: string) => texts.reduce((shown, secret) => shown.replaceAll(secret, "***"), text);
  return {
    named,
    texts,
    hide,
    json: (value) => JSON.stringify(value, (_, each) => typeof each === "string" ? hide(each) : each),
  };
}

/** As it is, and as programs write it into JSON and URLs. */
function spellings(secret: string): readonly string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())];
}

/** A terminal that shows none of the secrets. */
export function hidingTerminal(terminal: Terminal, { hide }: Secrets): Terminal {
  return {
    ...terminal,
    out: (line) => terminal.out(hide(line)),
    note: (line) => terminal.note(hide(line)),
    draw: (text) => terminal.draw(hide(text)),
  };
}

/** Until it is disposed, what modules print by `console` is progress: stdout is for the result. */
export function consoleToNotes(terminal: Terminal): Disposable {
  const names = ["log", "info", "debug", "warn", "error"] as const;
  const before = Object.fromEntries(names.map((name) => [name, console[name]]));
  const print = (...values: unknown[]): void => terminal.note(format(...values));
  Object.assign(console, Object.fromEntries(names.map((name) => [name, print])));
  return { [Symbol.dispose]: () => void Object.assign(console, before) };
}
