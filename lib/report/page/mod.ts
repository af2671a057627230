/**
 * HTML pages, each whole in one file: plots, plots of two revisions, the graph of stages. Data in, HTML out; nothing is loaded from
 * anywhere. A room of its own, since what draws charts takes a while to load.
 *
 * @module
 */

export {
  type Card,
  type CardBody,
  type CompareData,
  type ComparedCard,
  comparePage,
  type GalleryData,
  galleryPage,
  type Section,
} from "./gallery.ts";
export { type Chart, type ChartOptions, drawChart, MAX_CHART_ROWS, TEMPLATES } from "./chart.ts";
export { dagPage, type DagPageData, type DagStage, type StageStatus } from "./dag_page.ts";
