// `.pivotignore` at the project root: gitignore's syntax, by the library that knows all of its rules.

/** Says what is no part of any folder; loads the library only if there is such a file. */
export async function loadIgnore(projectRoot: string): Promise<(path: string, isDirectory: boolean) => boolean> {
  const text = readIfThere(`${projectRoot}/.pivotignore`);
  if (text === undefined) return () => false;
  const { default: ignore } = await import("ignore");
  const rules = ignore().add(text);
  return (path, isDirectory) => rules.ignores(isDirectory ? `${path}/` : path);
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
