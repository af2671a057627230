// What targets mean when revisions are compared: also stages and outputs that only a revision still knows. And which of the words
// of a command are targets at all. Invariant: a word that could be both a target and a revision is refused, not guessed.

import { nearest, PivotError } from "../core/mod.ts";
import { type Pipeline, selectTargets } from "../pipeline/mod.ts";
import { openGit } from "../sys/mod.ts";
import type { Project } from "./open_project.ts";
import type { Range, Revision } from "./revisions.ts";

/** Whether a stage, or one output of it, was asked for. */
export type Chosen = (stage: string, path?: string) => boolean;

/**
 * What was asked for: stages by name, pattern or base of a matrix; outputs by path. No targets: everything.
 *
 * @throws {PivotError} `unknown-stage` (kind `usage`) for a target that neither the pipeline nor a revision knows.
 */
export function choose(pipeline: Pipeline, revisions: readonly Revision[], targets: readonly string[]): Chosen {
  if (targets.length === 0) return () => true;
  const choices = targets.map((target) => choiceOf(pipeline, revisions, target));
  return (stage, path) => choices.some((choice) => choice(stage, path));
}

function choiceOf(pipeline: Pipeline, revisions: readonly Revision[], target: string): Chosen {
  const wanted = plainPath(target);
  const recorded = revisions.flatMap((revision) => [...revision.locks]);
  const byName = (stage: string) => stage === target || stage.startsWith(`${target}@`);
  const isPath = recorded.some(([, lock]) => lock.outs.some((out) => out.path === wanted)) ||
    pipeline.stages.some((stage) => stage.outs.some((out) => out.path === wanted));
  const isStage = recorded.some(([stage]) => byName(stage));
  if (isPath && !pipeline.stages.some((stage) => byName(stage.name))) {
    const makers = new Set([
      ...recorded.flatMap(([stage, lock]) => lock.outs.some((out) => out.path === wanted) ? [stage as string] : []),
      ...pipeline.stages.filter((stage) => stage.outs.some((out) => out.path === wanted)).map(({ name }) => name),
    ]);
    return (stage, path) => path === undefined ? makers.has(stage) : path === wanted;
  }
  try {
    const known = new Set<string>(selectTargets(pipeline, [target], { only: true }).map((stage) => stage.name));
    return (stage) => known.has(stage) || byName(stage);
  } catch (error) {
    if (error instanceof PivotError && error.code === "unknown-stage" && isStage) return byName;
    throw error;
  }
}

/** The two revisions of a range. */
export function revisionsOf({ before, now }: Range): readonly Revision[] {
  return now === undefined ? [before] : [before, now];
}

/** What the words of a command mean. */
export interface Words {
  /** `A..B` or `A`. */
  readonly range?: string;
  readonly targets: readonly string[];
}

/**
 * Tells revisions from targets: `A..B`, one revision, or two revisions, and any number of stages and paths.
 *
 * @throws {PivotError} `ambiguous-word` or `unknown-revision` (kind `usage`).
 */
export async function sortWords(project: Project, pipeline: Pipeline, words: readonly string[]): Promise<Words> {
  const [revisions, targets]: [string[], string[]] = [[], []];
  const tracked = words.length === 0 ? [] : [...(await project.tracked.load()).keys()];
  for (const word of words) {
    const isTarget = !isRange(word) && (tracked.some((path) => path === plainPath(word)) || knows(pipeline, word));
    if (isTarget && await isRevision(project, word)) {
      throw new PivotError(`"${word}" is a target and a revision`, {
        code: "ambiguous-word",
        kind: "usage",
        hint: `write --target ${word}, or refs/heads/${word} for the branch`,
      });
    }
    if (!isTarget && !isRange(word)) await refuseTypo(project, word, [...tracked, ...namesIn(pipeline)]);
    (isTarget ? targets : revisions).push(word);
  }
  const [first, second, third] = revisions;
  if (first === undefined) return { targets };
  if (second === undefined) return { range: first, targets };
  if (third === undefined && !isRange(first) && !isRange(second)) return { range: `${first}..${second}`, targets };
  throw new PivotError(`${revisions.map((word) => `"${word}"`).join(", ")} are more than two revisions`, {
    code: "unknown-revision",
    kind: "usage",
    hint: "compare two, as A..B; stages and outputs are named as `pivot list` shows them",
  });
}

/** What is nearly a target, and no revision, is told apart from a revision that is not there. */
async function refuseTypo(project: Project, word: string, known: readonly string[]): Promise<void> {
  const meant = nearest(word, known);
  if (meant === undefined || await isRevision(project, word)) return;
  throw new PivotError(`"${word}" is neither a stage, nor an output, nor a revision`, {
    code: "unknown-stage",
    kind: "usage",
    hint: `did you mean "${meant}"?`,
  });
}

function namesIn(pipeline: Pipeline): string[] {
  return pipeline.stages.flatMap((stage) => [stage.name, ...stage.outs.map((out) => out.path)]);
}

/** A path as typed, without `./` and a slash at its end. */
export function plainPath(word: string): string {
  return word.replace(/^\.\//, "").replace(/\/$/, "");
}

function isRange(word: string): boolean {
  return word.includes("..") && !word.startsWith("../");
}

function knows(pipeline: Pipeline, word: string): boolean {
  try {
    return selectTargets(pipeline, [word], { only: true }).length > 0;
  } catch (error) {
    if (error instanceof PivotError && error.code === "unknown-stage") return false;
    throw error;
  }
}

async function isRevision(project: Project, word: string): Promise<boolean> {
  try {
    const git = await openGit(project.root);
    return await git.commit(word) !== "";
  } catch (error) {
    if (error instanceof PivotError && error.kind === "usage") return false;
    throw error;
  }
}
