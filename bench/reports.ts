// Reports over many files: `metrics diff` on 500 metric files, `status` of 1,000 stages (goal 300 ms each), and a gallery of 200
// plots: made in 2 s, open in a real browser in 1 s.

import { command, median, ms, pivot, report, scratch, SMALL, timed, writeProject } from "./support.ts";

const RUNS = SMALL ? 2 : 7;

{
  const files = SMALL ? 5 : 500;
  using folder = scratch();
  const root = folder.path;
  Deno.mkdirSync(`${root}/.pivot/stages`, { recursive: true });
  const stages = Array.from(
    { length: files },
    (_, at) =>
      `  s${at}: { cmd: "echo '{\\"loss\\": 0.${at}, \\"acc\\": {\\"top1\\": ${at}}}' > m/${at}.json", metrics: [m/${at}.json] }`,
  );
  Deno.mkdirSync(`${root}/m`);
  Deno.writeTextFileSync(`${root}/pivot.yaml`, `stages:\n${stages.join("\n")}\n`);
  Deno.writeTextFileSync(`${root}/.pivot/.gitignore`, "/cache/\n/state.lmdb/\n/tmp/\n/logs/\n");
  await pivot(root, "run", "--quiet", "--jobs", "4");
  for (
    const args of [["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one"]]
  ) {
    await command(root, "git", ...args);
  }
  for (let at = 0; at < files; at += 2) {
    Deno.writeTextFileSync(`${root}/m/${at}.json`, `{"loss": 0.5, "acc": {"top1": 1}}`);
  }
  const diff = median(await timed(RUNS, () => pivot(root, "metrics", "diff")));
  report(`metrics diff on ${files} files`, ms(diff), "goal 300 ms");
}

{
  const stages = SMALL ? 5 : 1000;
  using folder = scratch();
  writeProject(folder.path, stages, 10);
  await pivot(folder.path, "run", "--quiet", "--jobs", "2");
  const status = median(await timed(RUNS, () => pivot(folder.path, "status")));
  report(`status of ${stages} stages`, ms(status), "goal 300 ms");
}

{
  const plots = SMALL ? 4 : 200;
  using folder = scratch();
  const root = folder.path;
  Deno.mkdirSync(`${root}/.pivot/stages`, { recursive: true });
  Deno.writeTextFileSync(`${root}/deno.json`, JSON.stringify({ imports: {} }));
  const names = Array.from({ length: plots }, (_, at) => `    p${at}: { path: p/${at}.csv, x: step, y: loss }`);
  Deno.writeTextFileSync(
    `${root}/pivot.yaml`,
    `stages:\n  draw:\n    cmd: "true"\n    plots:\n${names.map((line) => `  ${line}`).join("\n")}\n`,
  );
  Deno.mkdirSync(`${root}/p`);
  for (let at = 0; at < plots; at++) {
    const rows = Array.from({ length: 200 }, (_, step) => `${step},${Math.sin((step + at) / 20).toFixed(4)}`);
    Deno.writeTextFileSync(`${root}/p/${at}.csv`, `step,loss\n${rows.join("\n")}\n`);
  }
  const made = median(await timed(Math.min(3, RUNS), () => pivot(root, "plots", "show", "-o", "page.html")));
  report(`gallery of ${plots} plots, ${Deno.statSync(`${root}/page.html`).size >> 10} KiB`, ms(made), "goal 2,000 ms");
  await openInChromium(`${root}/page.html`);
}

async function openInChromium(file: string): Promise<void> {
  const program = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
  if (program === undefined) return report("opening it in Chromium", "skipped", "Chromium is not installed");
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
  const page = await browser.newPage();
  const opened = median(
    await timed(3, async () => {
      await page.goto(`file://${file}`, { waitUntil: "load" });
      await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    }),
  );
  await browser.close();
  report("opening it in Chromium until it is painted", ms(opened), "goal 1,000 ms");
}
