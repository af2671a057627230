// A whole HTML page in one text. Invariants: every text from outside is escaped; the page loads nothing, since its policy
// allows only what stands in it: scripts by their digest, pictures as data.

import { createHash } from "node:crypto";

/** Text that is HTML already. */
export interface Markup {
  readonly html: string;
}

type Part = string | number | Markup | readonly Markup[] | undefined;

/** Makes markup from a template; values are escaped unless they are markup themselves. */
export function html(texts: TemplateStringsArray, ...values: readonly Part[]): Markup {
  return { html: texts.map((text, at) => text + (at < values.length ? render(values[at]) : "")).join("") };
}

/** Markup that was made elsewhere and is safe as it is. */
export function trusted(text: string): Markup {
  return { html: text };
}

function render(part: Part): string {
  if (part === undefined) return "";
  if (typeof part === "string" || typeof part === "number") return escapeHtml(String(part));
  return "html" in part ? part.html : part.map((each) => each.html).join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Escapes a text for elements and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}

/** Data for a script of the page, in an element of its own. */
export function dataElement(id: string, value: unknown): Markup {
  const json = JSON.stringify(value).replace(/</g, "\\u003c");
  return trusted(`<script type="application/json" id="${escapeHtml(id)}">${json}</script>`);
}

/** Parts of a page. */
export interface PageParts {
  readonly title: string;
  readonly style: string;
  readonly body: Markup;
  /** Runs when the body is there. */
  readonly script: string;
}

/** The page as a text. */
export function renderPage({ title, style, body, script }: PageParts): string {
  const digest = createHash("sha256").update(script).digest("base64");
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${digest}'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${body.html}
<script>${script}</script>
</body>
</html>
`;
}
