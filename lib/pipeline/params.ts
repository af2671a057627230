// Parameters: defaults in the stage, then params.yaml (`train`, then `train@0.1_a`), then --set. Mappings merge, all else replaces.
// Invariant: a value of another type than its default is a finding, never a surprise in the stage.

import { isJsonObject, type Json, type JsonObject, nearest, PivotError, type SourceSpot } from "../core/mod.ts";
import type { Findings } from "./expand.ts";
import { type ParsedYaml, placeIn } from "./yaml_file.ts";

/** One `--set stage.key=value`. */
export interface ParamSetting {
  readonly stage: string;
  readonly keys: readonly string[];
  readonly value: Json;
}

/** What a stage's parameters are made from. */
export interface ParamRequest {
  readonly stage: string;
  readonly base: string;
  readonly defaults: JsonObject;
  readonly variant: JsonObject;
  /** The defaults were looked up in files, so that `params.yaml` holds no overrides. */
  readonly fromFiles: boolean;
  readonly spot: SourceSpot;
  readonly findings: Findings;
}

/** Where parameters come from. */
export interface ParamSources {
  resolve(request: ParamRequest): JsonObject;
}

/**
 * Parses `--set` arguments: `train.lr=0.1`, `train.model.name=small`, `train.tags=["a"]`.
 *
 * @throws {PivotError} `bad-set` (kind `usage`).
 */
export function parseSettings(texts: readonly string[]): ParamSetting[] {
  return texts.map((text) => {
    const at = text.indexOf("=");
    const [stage, ...keys] = splitKey(at < 0 ? "" : text.slice(0, at));
    if (stage === undefined || stage === "" || keys.length === 0 || keys.includes("")) {
      throw new PivotError(`cannot use --set "${text}"`, {
        code: "bad-set",
        kind: "usage",
        hint: "write --set stage.key=value, for instance --set train.lr=0.1",
      });
    }
    return { stage, keys, value: parseValue(text.slice(at + 1)) };
  });
}

/**
 * Cuts at dots. A matrix name may hold dots (`train@0.1_a.model.lr`): its suffix ends at the first dot that is followed by a
 * letter or `_`, so a value of the matrix that has such a dot is set for the whole stage or in params.yaml.
 */
function splitKey(key: string): string[] {
  const variant = /^([^.@]+@.+?)\.([A-Za-z_].*)$/.exec(key);
  return variant === null ? key.split(".") : [variant[1] ?? "", ...(variant[2] ?? "").split(".")];
}

function parseValue(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Parameter sources from a parsed `params.yaml` and settings. */
export function paramSources(
  file: JsonObject,
  settings: readonly ParamSetting[],
  places: ParsedYaml["places"] = {},
): ParamSources {
  const parsed = { value: file, places };
  const layerOf = (name: string): Layer => ({
    from: "params.yaml",
    values: file[name],
    spotOf: (key) => placeIn(parsed, "params.yaml", key === "" ? name : `${name}.${key}`),
  });
  return {
    resolve({ stage, base, defaults, variant, fromFiles, spot, findings }) {
      const layers: Layer[] = [
        ...(fromFiles ? [] : [layerOf(base)]),
        ...(fromFiles || stage === base ? [] : [layerOf(stage)]),
        ...settings.filter((setting) => setting.stage === base || setting.stage === stage)
          .map((setting): Layer => ({
            from: "--set",
            kind: "usage",
            values: nest(setting),
            spotOf: () => COMMAND_LINE,
          })),
      ];
      const declared: Layer = { from: spot.file, values: defaults, spotOf: () => spot };
      refuseUnstorable(defaults, { stage, path: "", layer: declared, findings });
      let merged: JsonObject = { ...defaults, ...variant };
      for (const layer of layers) {
        if (layer.values === undefined || layer.values === null) continue;
        if (!isJsonObject(layer.values)) {
          findings.add(`${layer.from}: "${stage}" is not a mapping of parameters`, {
            code: "bad-params",
            ...blame(layer, ""),
          });
          continue;
        }
        refuseUnstorable(layer.values, { stage, path: "", layer, findings });
        checkTypes(merged, layer.values, { stage, path: "", layer, findings });
        merged = merge(merged, layer.values);
      }
      return merged;
    },
  };
}

function nest({ keys, value }: ParamSetting): Json {
  return keys.reduceRight<Json>((inner, key) => ({ [key]: inner }), value);
}

/** Deep merge: mappings merge key by key, everything else replaces. */
export function merge(below: JsonObject, above: JsonObject): JsonObject {
  const merged: Record<string, Json> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const before = Object.hasOwn(merged, key) ? merged[key] : undefined;
    merged[key] = isJsonObject(before) && isJsonObject(value) ? merge(before, value) : value;
  }
  return merged;
}

/** One source of values. */
interface Layer {
  /** Whose fault a wrong value is. @default "invalid" */
  readonly kind?: "usage";
  readonly from: string;
  readonly values: Json | undefined;
  /** Where a key stands; "" for the whole. */
  readonly spotOf: (key: string) => SourceSpot;
}

const COMMAND_LINE: SourceSpot = { file: "--set" };

/** Where a wrong value stands, and whose fault it is. */
function blame(layer: Layer, key: string): { readonly spot: SourceSpot; readonly kind?: "usage" } {
  return { spot: layer.spotOf(key), ...(layer.kind === undefined ? {} : { kind: layer.kind }) };
}

interface TypeCheck {
  readonly stage: string;
  readonly path: string;
  readonly layer: Layer;
  readonly findings: Findings;
}

function checkTypes(defaults: JsonObject, values: JsonObject, check: TypeCheck): void {
  for (const [key, value] of Object.entries(values)) {
    const path = check.path === "" ? key : `${check.path}.${key}`;
    const before = Object.hasOwn(defaults, key) ? defaults[key] : undefined;
    if (before === undefined) {
      if (Object.keys(defaults).length === 0 && (check.path !== "" || check.layer.from !== "--set")) continue;
      const meant = nearest(key, Object.keys(defaults));
      check.findings.add(`${check.layer.from}: stage "${check.stage}" has no parameter "${path}"`, {
        code: "unknown-param",
        ...blame(check.layer, path),
        hint: meant === undefined ? `it has ${Object.keys(defaults).join(", ") || "none"}` : `did you mean "${meant}"?`,
      });
    } else if (isJsonObject(before) && isJsonObject(value)) {
      checkTypes(before, value, { ...check, path });
    } else if (before !== null && value !== null && typeName(before) !== typeName(value)) {
      check.findings.add(
        `${check.layer.from}: parameter "${path}" of stage "${check.stage}" is a ${typeName(value)}, its default a ${
          typeName(before)
        }`,
        { code: "bad-params", ...blame(check.layer, path) },
      );
    }
  }
}

/** YAML has numbers that JSON, and so the record of a run, lacks: they would reach the stage as null. */
function refuseUnstorable(value: Json, check: TypeCheck): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    const { layer, path, stage } = check;
    check.findings.add(`${layer.from}: parameter "${path}" of stage "${stage}" is not a finite number`, {
      code: "bad-params",
      ...blame(layer, path),
      hint: "write null, or a text that the stage understands",
    });
  } else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      refuseUnstorable(inner, { ...check, path: check.path === "" ? key : `${check.path}.${key}` });
    }
  }
}

function typeName(value: Json): string {
  return Array.isArray(value) ? "list" : isJsonObject(value) ? "mapping" : typeof value;
}
