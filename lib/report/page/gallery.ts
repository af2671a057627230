// The page of all plots, stage by stage, metrics beside them; and the page that compares them between revisions. Data in, HTML out.

import { html, type Markup, renderPage, trusted } from "./html.ts";
import { GALLERY_SCRIPT } from "./gallery_script.ts";
import { GALLERY_STYLE } from "./gallery_style.ts";
import { BASE_STYLE, THEME_SCRIPT } from "./style.ts";

/** What a card shows. */
export type CardBody =
  /** A picture, as a `data:` URL. */
  | { readonly type: "image"; readonly url: string }
  /** A chart that was drawn already. */
  | { readonly type: "chart"; readonly svg: string }
  /** Why there is nothing to see. */
  | { readonly type: "note"; readonly text: string };

/** One plot. */
export interface Card {
  readonly title: string;
  /** Where it comes from, relative to the project. */
  readonly path: string;
  readonly caption?: string;
  readonly body: CardBody;
}

/** One plot on two sides. */
export interface ComparedCard {
  readonly title: string;
  readonly path: string;
  /** Both sides hold the same bytes. */
  readonly same: boolean;
  readonly before: CardBody;
  readonly now: CardBody;
  /** Both curves in one chart. */
  readonly overlay?: { readonly svg: string; readonly caption: string };
}

/** Plots and metrics of one stage. */
export interface Section<Each> {
  readonly stage: string;
  readonly metrics: readonly (readonly [key: string, value: string])[];
  readonly cards: readonly Each[];
}

/** What a page is made from. */
export interface GalleryData {
  /** Name of the project. */
  readonly project: string;
  readonly sections: readonly Section<Card>[];
}

/** The gallery as HTML. */
export function galleryPage({ project, sections }: GalleryData): string {
  const count = sections.reduce((sum, section) => sum + section.cards.length, 0);
  return renderPage({
    title: `Plots of ${project}`,
    style: BASE_STYLE + GALLERY_STYLE,
    body: html`${
      header(
        `Plots of ${project}`,
        `${count} in ${sections.length} ${sections.length === 1 ? "stage" : "stages"}`,
        sections,
      )
    }
<main id="main">${sections.map((section, at) => sectionOf(section, at, section.cards.map(card)))}</main>${dialog()}`,
    script: THEME_SCRIPT + GALLERY_SCRIPT,
  });
}

/** What a page of differences is made from. */
export interface CompareData {
  readonly project: string;
  readonly sides: readonly [before: string, now: string];
  readonly sections: readonly Section<ComparedCard>[];
}

/** Plots of two revisions as HTML. */
export function comparePage({ project, sides, sections }: CompareData): string {
  const changed = sections.flatMap((section) => section.cards).filter((each) => !each.same).length;
  return renderPage({
    title: `Plots of ${project}: ${sides.join(" and ")}`,
    style: BASE_STYLE + GALLERY_STYLE,
    body: html`${header(`Plots of ${project}`, `${sides[0]} beside ${sides[1]}, ${changed} changed`, sections)}
<main id="main">${
      sections.map((section, at) => sectionOf(section, at, section.cards.map((each) => compared(each, sides))))
    }</main>${dialog()}`,
    script: THEME_SCRIPT + GALLERY_SCRIPT,
  });
}

function header(title: string, about: string, sections: readonly { readonly stage: string }[]): Markup {
  return html`<a class="skip" href="#main">Skip to the plots</a>
<header class="top"><h1>${title}</h1><span class="muted">${about}</span><span class="space"></span>
<label class="small">Filter <input id="filter" type="search" placeholder="stage or plot"></label>
<button id="theme" type="button" aria-pressed="false">Dark or light</button></header>
<nav aria-label="Stages">${sections.map(({ stage }, at) => html`<a href="#stage-${at}">${stage}</a>`)}</nav>`;
}

function sectionOf(section: Section<unknown>, at: number, cards: readonly Markup[]): Markup {
  const { stage, metrics } = section;
  const table = metrics.length === 0 ? undefined : html`
    <div class="metrics">
      <h3 id="metrics-${at}">Metrics</h3>
      <table aria-labelledby="metrics-${at}">
        <tbody>${metrics.map(([key, value]) =>
          html`
            <tr>
              <th scope="row">${key}</th>
              <td>${value}</td>
            </tr>
          `
        )}</tbody>
      </table>
    </div>
  `;
  return html`
    <section id="stage-${at}" data-name="${stage}" aria-labelledby="title-${at}">
      <h2 id="title-${at}">${stage}</h2>
      <div class="cards">${table}${cards}</div>
    </section>
  `;
}

function card({ title, path, caption, body }: Card): Markup {
  return html`<figure class="card" data-name="${`${title} ${path}`}"><figcaption><h3>${title}</h3>
<div class="muted small">${path}${caption === undefined ? "" : ` \u00b7 ${caption}`}</div></figcaption>${
    picture(body, title)
  }</figure>`;
}

function picture(body: CardBody, title: string): Markup {
  switch (body.type) {
    case "image":
      return html`
        <button type="button" class="view"
          aria-label="Enlarge ${title}"><img src="${body.url}" alt="${title}" loading="lazy"></button>
      `;
    case "chart":
      return html`<button type="button" class="view" aria-label="Enlarge ${title}">${chart(body.svg, title)}</button>`;
    case "note":
      return html`<p class="note">${body.text}</p>`;
  }
}

/** The chart scales with its card. */
function chart(svg: string, title: string): Markup {
  const label = html`${title}`.html;
  return trusted(svg.replace("<svg ", `<svg role="img" aria-label="${label}" `));
}

function compared(each: ComparedCard, sides: readonly [string, string]): Markup {
  const { title, path, same, before, now, overlay } = each;
  const head = html`
    <h3>${title}</h3>
    <div class="muted small">${path}</div>
  `;
  if (same) {
    return html`
      <details class="card wide"
        data-name="${`${title} ${path}`}"><summary>${head}<span class="muted small">the same on both sides</span></summary>${picture(
          now,
          title,
        )}</details>
    `;
  }
  const images = before.type === "image" && now.type === "image";
  const side = (name: string, body: CardBody) =>
    html`<div class="side"><div class="small muted">${name}</div>${picture(body, `${title}, ${name}`)}</div>`;
  const third = overlay !== undefined
    ? html`
      <div
        class="side"><div class="small muted">both, ${overlay
          .caption}</div><button type="button" class="view" aria-label="Enlarge ${title}, both">${chart(
            overlay.svg,
            `${title}, both sides`,
          )}</button></div>
    `
    : images
    ? html`
      <div class="side">
        <div class="small muted">differing pixels <output></output></div>
        <canvas class="difference" role="img" aria-label="Pixels of ${title} that differ"></canvas>
      </div>
    `
    : undefined;
  return html`
    <figure class="card wide" data-name="${`${title} ${path}`}">
      <figcaption>${head}</figcaption>
      <div class="sides">${side(sides[0], before)}${side(sides[1], now)}${third}</div>
    </figure>
  `;
}

function dialog(): Markup {
  return html`
    <dialog id="large" aria-label="Enlarged plot">
      <form method="dialog"><button autofocus>Close (Esc)</button></form>
      <div></div>
    </dialog>
  `;
}
