// Looks at everything that has to work and says plainly what does not.

import { messageOf } from "../core/mod.ts";
import type { Environment } from "../config/mod.ts";
import { copyFile, hardLink, makeFolder, removeTree, statPath, symLink, writeDurable } from "../sys/mod.ts";
import { openProject } from "./open_project.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  readonly level: "ok" | "note" | "problem";
  readonly message: string;
  readonly hint?: string;
}

/** Looks at runtime, project, file systems, state and pipeline. Never throws. */
export async function doctor(cwd: string, environment: Environment): Promise<Finding[]> {
  const findings: Finding[] = [runtime(), ...await tool("git", ["--version"])];
  try {
    await using project = await openProject({ cwd, environment });
    findings.push({ name: "project", level: "ok", message: project.root });
    findings.push(
      project.state.warning === undefined
        ? { name: "state", level: "ok", message: "the state database opens" }
        : { name: "state", level: "note", message: project.state.warning },
    );
    findings.push(...checkoutModes(project.root, project.cache.root));
    const { pipeline, source, warnings } = await project.load();
    findings.push({ name: "pipeline", level: "ok", message: `${pipeline.stages.length} stages from ${source}` });
    findings.push(...warnings.map((message): Finding => ({ name: "pipeline", level: "note", message })));
  } catch (error) {
    const hint = (error as { hint?: string }).hint;
    findings.push({
      name: "project",
      level: "problem",
      message: messageOf(error),
      ...(hint === undefined ? {} : { hint }),
    });
  }
  return findings;
}

function runtime(): Finding {
  const { deno, v8 } = Deno.version;
  const [major = 0, minor = 0] = deno.split(".").map(Number);
  const fine = major > 2 || (major === 2 && minor >= 9);
  const message = `Deno ${deno}, V8 ${v8}, ${Deno.build.os} ${Deno.build.arch}, ${navigator.hardwareConcurrency} cores`;
  return fine
    ? { name: "runtime", level: "ok", message }
    : { name: "runtime", level: "problem", message, hint: "Pivot needs Deno 2.9 or newer" };
}

async function tool(name: string, args: readonly string[]): Promise<Finding[]> {
  try {
    const { stdout } = await new Deno.Command(name, { args: [...args], stderr: "null" }).output();
    return [{ name, level: "ok", message: new TextDecoder().decode(stdout).trim() }];
  } catch {
    return [{
      name,
      level: "note",
      message: `${name} is not installed`,
      hint: "comparisons with older revisions need it",
    }];
  }
}

/** Which ways of checking out work between cache and workspace. */
function checkoutModes(root: string, cacheRoot: string): Finding[] {
  const from = `${cacheRoot}/tmp/doctor-${Deno.pid}`;
  const to = `${root}/.pivot/tmp/doctor-${Deno.pid}`;
  try {
    makeFolder(`${cacheRoot}/tmp`);
    makeFolder(`${root}/.pivot/tmp`);
    writeDurable(from, "doctor");
    const works = (make: () => void) => {
      try {
        make();
        return true;
      } catch {
        return false;
      } finally {
        removeTree(to);
      }
    };
    const modes = [
      works(() => hardLink(from, to)) ? "hardlink" : "",
      works(() => symLink(from, to)) ? "symlink" : "",
      works(() => copyFile(from, to)) ? "copy" : "",
    ].filter((mode) => mode !== "");
    const level = modes.includes("hardlink") ? "ok" : "note";
    return [{ name: "cache", level, message: `${cacheRoot}: ${modes.join(", ")} work` }];
  } catch (error) {
    return [{
      name: "cache",
      level: "problem",
      message: messageOf(error),
      hint: "set cache.dir to a folder that can be written",
    }];
  } finally {
    if (statPath(from) !== undefined) removeTree(from);
  }
}
