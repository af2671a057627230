// What a test needs beyond Deno: a skip says why, and PIVOT_REQUIRE (`s3,azure,docker,k8s,chromium,mount`) makes it a failure.

/** A thing that some machines lack. */
export interface Requirement {
  /** Name in PIVOT_REQUIRE. */
  readonly name: string;
  /** Why it is not there; undefined if it is. */
  readonly missing: string | undefined;
}

/** Registers a test that needs something. */
export function testWith(
  requirement: Requirement,
  name: string,
  run: (test: Deno.TestContext) => void | Promise<void>,
  options: Pick<Deno.TestDefinition, "sanitizeOps" | "sanitizeResources"> = {},
): void {
  const { missing } = requirement;
  if (missing === undefined) return Deno.test({ name, fn: run, ...options });
  const required = (Deno.env.get("PIVOT_REQUIRE") ?? "").split(",").map((each) => each.trim());
  if (required.includes(requirement.name)) {
    return Deno.test(name, () => {
      throw new Error(`PIVOT_REQUIRE names ${requirement.name}, but ${missing}`);
    });
  }
  Deno.test({ name: `${name} (skipped: ${missing})`, ignore: true, fn: run });
}
