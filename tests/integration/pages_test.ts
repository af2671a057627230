// The pages in a real browser: they open from disk, show everything, ask for nothing, and the keyboard is enough.

import assert from "node:assert/strict";
import { chromium, withPage } from "../support/chromium.ts";
import { commitAll, git } from "../support/git.ts";
import { testWith } from "../support/require.ts";
import { type TestProject, testProject } from "../support/project.ts";

const HOSTILE = `</script><img src=x onerror=alert(1)> "&'`;

const PIVOT = `import { csv, json, jsonl, metric, plot, stage, text } from "@pivot/pivot";
const LEVEL = 1;
const curve = Array.from({ length: 20 }, (_, at) => ({ step: String(at), loss: String(LEVEL / (at + 1)), gain: String(at * LEVEL) }));
const square = \`<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><rect width="\${10 * LEVEL}" height="20"/></svg>\`;
export const train = stage({
  outs: {
    loss: plot("plots/loss.csv", csv(), { x: "step", y: "loss", title: ${JSON.stringify(HOSTILE)} }),
    both: plot("plots/both.csv", csv(), { x: "step", y: "loss,gain" }),
    dots: plot("plots/dots.json", json(), { template: "scatter" }),
    bars: plot("plots/bars.jsonl", jsonl(), { template: "bar", x: "city.name", y: "n" }),
    smooth: plot("plots/smooth.csv", csv(), { template: "smooth", x: "step", y: "gain" }),
    pairs: plot("plots/pairs.csv", csv(), { template: "confusion", x: "guess", y: "truth" }),
    own: plot("plots/own.csv", csv(), { template: "own.json", x: "step", y: "gain" }),
    picture: plot("plots/square.svg", text()),
    empty: plot("plots/empty.csv", text()),
    wrong: plot("plots/wrong.csv", csv(), { x: "nope" }),
    odd: plot("plots/odd.bin", text()),
    metrics: metric("metrics.json"),
  },
  run: () => ({
    loss: curve, both: curve, smooth: curve, own: curve, wrong: curve,
    dots: [{ a: 1, b: 2 }, { a: 2, b: 3 }],
    bars: [{ "city.name": ${JSON.stringify(HOSTILE)}, n: 3 }, { "city.name": "B", n: 4 }],
    pairs: [{ guess: "a", truth: "a" }, { guess: "b", truth: "a" }],
    picture: square, empty: "a,b\\n", odd: "\\u0000",
    metrics: { [${JSON.stringify(HOSTILE)}]: LEVEL },
  }),
});
`;
const OWN = `{ "mark": "area", "data": { "values": "<DATA>" }, "encoding": {
  "x": { "field": "<X>", "type": "quantitative" }, "y": { "field": "<Y>", "type": "quantitative", "title": "<TITLE>" } } }`;

async function ready(): Promise<TestProject> {
  const project = testProject({ "pivot.ts": PIVOT, "own.json": OWN });
  await project.expect(0, "run");
  return project;
}

testWith(chromium, "the gallery shows every plot, says what it cannot show, and needs no network", async () => {
  using project = await ready();
  const { out, err } = await project.expect(0, "plots", "show");
  assert.match(err, /plots\/empty\.csv: .*empty/);
  assert.match(err, /plots\/wrong\.csv: there is no column "nope"; columns are step, loss, gain/);
  assert.match(err, /plots\/odd\.bin: neither a picture nor a table/);
  await withPage(out.trim(), async ({ page, complaints }) => {
    assert.equal(await page.locator(".card").count(), 11);
    assert.equal(await page.locator(".card svg").count(), 7);
    for (const svg of await page.locator(".card svg").all()) {
      assert.ok(
        await svg.locator(
          "path[aria-roledescription], .mark-line path, .mark-area path, .mark-symbol path, .mark-rect path",
        ).count() > 0,
      );
    }
    assert.equal(
      await page.locator(".card img").evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
      20,
    );
    assert.equal(await page.locator(".note").count(), 3);
    assert.ok((await page.locator(".metrics th").innerText()).includes("</script>"));
    assert.ok((await page.locator("h3").allInnerTexts()).includes(HOSTILE));
    assert.deepEqual(complaints, []);
  });
});

testWith(chromium, "the gallery is used by keyboard: filter, arrows, enlarge, close; dark and light", async () => {
  using project = await ready();
  const file = (await project.expect(0, "plots", "show", "-o", "a page.html")).out.trim();
  await withPage(file, async ({ page, complaints }) => {
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const dark = await background();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate("document.activeElement.textContent"), "Skip to the plots");
    await page.locator("#filter").focus();
    await page.keyboard.type("square");
    assert.equal(await page.locator(".card:visible").count(), 1);
    await page.keyboard.press("Control+A");
    await page.keyboard.press("Delete");
    assert.equal(await page.locator(".card:visible").count(), 11);
    await page.locator(".view").first().focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    assert.ok(await page.locator("dialog svg").isVisible());
    await page.keyboard.press("Escape");
    assert.ok(!(await page.locator("dialog").isVisible()));
    await page.locator("#theme").press("Enter");
    assert.notEqual(await background(), dark);
    assert.deepEqual(complaints, []);
  }, { dark: true });
});

testWith(chromium, "plots of two revisions stand side by side, curves overlaid, pixels compared", async () => {
  using project = await ready();
  project.write(".gitignore", "/.pivot/cache/\n/.pivot/state.lmdb/\n/.pivot/tmp/\n/.pivot/logs/\n");
  git(project, "init", "-q");
  commitAll(project, "one");
  project.edit("pivot.ts", "LEVEL = 1", "LEVEL = 2");
  await project.expect(0, "run");
  const file = (await project.expect(0, "plots", "diff")).out.trim();
  await withPage(file, async ({ page, complaints }) => {
    assert.equal(await page.locator("figure.card").count(), 6);
    assert.equal(await page.locator("details.card").count(), 5);
    const loss = page.locator('figure.card[data-name*="loss.csv"]');
    assert.equal(await loss.locator("svg").count(), 3);
    assert.ok((await loss.locator("svg").last().innerHTML()).includes("workspace"));
    const picture = page.locator('figure.card[data-name*="square.svg"]');
    await picture.locator("output:has-text('%')").waitFor();
    assert.equal(await picture.locator("output").innerText(), "(50.00 %)");
    assert.deepEqual(complaints, []);
  });
});

testWith(chromium, "the graph page tells status and reasons, by mouse and by keyboard", async () => {
  using project = testProject({
    "pivot.ts": `import { dep, out, stage, text } from "@pivot/pivot";
export const first = stage({ deps: { a: dep("a.txt", text()) }, outs: out("b.txt", text()), params: { n: 1 }, run: ({ a }) => a });
export const second = stage({ deps: { b: first.outs }, outs: out("c.txt", text()), run: ({ b }) => b });
export const other = stage({ outs: out("d.txt", text()), run: () => "d" });
`,
    "a.txt": "a",
  });
  await project.expect(0, "run");
  project.write("a.txt", "changed");
  const file = (await project.expect(0, "dag", "--html")).out.trim();
  await withPage(file, async ({ page, complaints }) => {
    assert.equal(await page.locator(".stage").count(), 3);
    assert.equal(await page.locator(".edge").count(), 1);
    await page.locator('.stage[data-name="first"]').click();
    const details = await page.locator("#details").innerText();
    for (const part of ["dependency changed: a.txt", "last took", "b.txt (out", "n = 1", "pivot.ts:2"]) {
      assert.ok(details.includes(part), `${part} in ${details}`);
    }
    assert.equal(await page.locator(".stage.near").count(), 2);
    await page.locator('.stage[data-name="first"]').focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    assert.match(await page.locator("#details h2").innerText(), /second/);
    await page.locator("#find").fill("oth");
    assert.match(await page.locator("#details h2").innerText(), /other/);
    assert.deepEqual(complaints, []);
  });
});

testWith(chromium, "a graph of 1,000 stages opens and can be searched", async () => {
  const stages = Array.from({ length: 1000 }, (_, at) => {
    const dep = at < 10 ? "" : ` deps: [o${at - 10}.txt],`;
    return `  s${at}: { cmd: "true",${dep} outs: [o${at}.txt] }`;
  });
  using project = testProject({ "pivot.yaml": `stages:\n${stages.join("\n")}\n` });
  const file = (await project.expect(0, "dag", "--html")).out.trim();
  await withPage(file, async ({ page, complaints }) => {
    assert.equal(await page.locator(".stage").count(), 1000);
    await page.locator("#find").fill("s777");
    assert.match(await page.locator("#details h2").innerText(), /s777/);
    assert.ok(await page.locator('.stage[data-name="s777"]').isVisible());
    assert.deepEqual(complaints, []);
  });
});
