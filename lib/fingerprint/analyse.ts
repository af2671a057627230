// From a source text to its units. Invariant: everything at the top level that can run is in exactly one unit;
// what is only types is in none.

import { hashText } from "../sys/mod.ts";
import type { Export, FileAnalysis, Import, OutUnit, Unit } from "./analysis.ts";
import { child, children, isErased, type Node, text, unwrap } from "./ast.ts";
import { canonical } from "./canonical.ts";
import { isPure } from "./purity.ts";
import { stageParts } from "./stage_parts.ts";
import { addNames } from "./scopes.ts";
import { usesOf } from "./uses.ts";

/** Turns text into a syntax tree; throws a SyntaxError with `loc`. */
export type ParseModule = (source: string, file: string) => Node;

/** Loads the parser: pure JavaScript, so it needs no permission and works in a compiled binary. */
export async function loadParser(): Promise<ParseModule> {
  const { parse } = await import("@babel/parser");
  return (source, file) => {
    const plugins: ("typescript" | "jsx" | "decorators" | "explicitResourceManagement")[] = [
      "decorators",
      "explicitResourceManagement",
    ];
    if (!/\.[cm]?js$/.test(file)) plugins.push("typescript");
    if (/\.(tsx|jsx|js)$/.test(file)) plugins.push("jsx");
    const tree = parse(source, {
      sourceType: "module",
      plugins: [...plugins, ["importAttributes", { deprecatedAssertSyntax: true }]] as never,
      createImportExpressions: true,
      allowReturnOutsideFunction: false,
      errorRecovery: false,
      attachComment: false,
    });
    return tree.program as unknown as Node;
  };
}

/** Analyses a module. `pivotNames` are the specifiers that stand for Pivot itself. */
export function analyse(program: Node, isPivot: (specifier: string) => boolean): FileAnalysis {
  const reader = new ModuleReader(isPivot);
  const body = children(program, "body");
  for (const node of body) reader.readImports(node);
  for (const node of body) reader.read(node);
  return reader.result();
}

class ModuleReader {
  readonly #isPivot: (specifier: string) => boolean;
  readonly #units: Unit[] = [];
  readonly #imports: Import[] = [];
  readonly #exports: Export[] = [];
  readonly #stars: string[] = [];
  readonly #evaluates: { specifier: string; as?: string }[] = [];
  /** Local names of Pivot's functions: `stage`, `csv`, … */
  readonly #pivotLocals: Map<string, string> = new Map();

  constructor(isPivot: (specifier: string) => boolean) {
    this.#isPivot = isPivot;
  }

  result(): FileAnalysis {
    return {
      units: this.#units,
      imports: this.#imports,
      exports: this.#exports,
      stars: this.#stars,
      evaluates: this.#evaluates,
    };
  }

  readImports(node: Node): void {
    if (!/^(Import|ExportNamed|ExportAll)Declaration$/.test(node.type)) return;
    const specifier = text(child(node, "source"), "value");
    if (specifier === "" || node.importKind === "type" || node.exportKind === "type") return;
    const as = attributeOf(node);
    const specifiers = children(node, "specifiers").filter((each) =>
      each.importKind !== "type" && each.exportKind !== "type"
    );
    // `import { type A } from` with nothing left is erased; `import {} from` and `import "x"` are evaluated.
    if (children(node, "specifiers").length > 0 && specifiers.length === 0) return;
    this.#evaluates.push({ specifier, ...as });
    if (node.type !== "ImportDeclaration") return;
    for (const each of specifiers) {
      const local = text(child(each, "local"), "name");
      const imported = importedName(each);
      this.#imports.push({ local, specifier, imported, ...as });
      if (this.#isPivot(specifier)) this.#pivotLocals.set(local, imported);
    }
  }

  read(node: Node): void {
    if (isErased(node) || node.importKind === "type" || node.exportKind === "type") return;
    switch (node.type) {
      case "ImportDeclaration":
        return;
      case "ExportAllDeclaration":
        return this.#readStar(node);
      case "ExportNamedDeclaration":
        return this.#readNamedExport(node);
      case "ExportDefaultDeclaration":
        return this.#readDefault(node);
      default:
        return this.#readStatement(node);
    }
  }

  #readStar(node: Node): void {
    const specifier = text(child(node, "source"), "value");
    const name = text(child(node, "exported"), "name");
    if (name === "") this.#stars.push(specifier);
    else this.#exports.push({ name, specifier, imported: "*", ...attributeOf(node) });
  }

  #readNamedExport(node: Node): void {
    const declaration = child(node, "declaration");
    if (declaration !== undefined) {
      if (isErased(declaration)) return;
      const before = this.#units.length;
      this.#readStatement(declaration);
      for (const unit of this.#units.slice(before)) {
        for (const name of unit.names) this.#exports.push({ name, local: name });
      }
      return;
    }
    const specifier = text(child(node, "source"), "value");
    for (const each of children(node, "specifiers")) {
      if (each.exportKind === "type") continue;
      const exported = child(each, "exported");
      const name = exported?.type === "StringLiteral" ? text(exported, "value") : text(exported, "name");
      const local = child(each, "local");
      const localName = local?.type === "StringLiteral" ? text(local, "value") : text(local, "name");
      if (each.type === "ExportNamespaceSpecifier") this.#exports.push({ name, specifier, imported: "*" });
      else if (specifier !== "") this.#exports.push({ name, specifier, imported: localName, ...attributeOf(node) });
      else this.#exports.push({ name, local: localName });
    }
  }

  #readDefault(node: Node): void {
    const declaration = child(node, "declaration");
    if (declaration === undefined || isErased(declaration)) return;
    const own = text(child(declaration, "id"), "name");
    const name = own === "" ? "default" : own;
    this.#add(declaration, { names: [name], kind: "default", value: declaration });
    this.#exports.push({ name: "default", local: name });
  }

  #readStatement(node: Node): void {
    switch (node.type) {
      case "FunctionDeclaration":
        return this.#add(node, { names: [text(child(node, "id"), "name")], kind: "function" });
      case "ClassDeclaration":
        return this.#add(node, { names: [text(child(node, "id"), "name")], kind: "class", value: node });
      case "TSEnumDeclaration":
        return this.#add(node, { names: [text(child(node, "id"), "name")], kind: "enum" });
      case "TSModuleDeclaration":
        return this.#add(node, { names: [text(child(node, "id"), "name")], kind: "namespace", acts: true });
      case "TSImportEqualsDeclaration":
        return this.#add(node, { names: [text(child(node, "id"), "name")], kind: "const" });
      case "VariableDeclaration":
        for (const each of children(node, "declarations")) this.#readDeclarator(node, each);
        return;
      default:
        return this.#add(node, { names: [], kind: "statement", acts: true });
    }
  }

  #readDeclarator(outer: Node, node: Node): void {
    const names = new Set<string>();
    addNames(child(node, "id"), names);
    const value = child(node, "init");
    const kind = text(outer, "kind").replace("await using", "using");
    const stage = value === undefined ? undefined : this.#stageParts(value);
    if (stage !== undefined) return this.#addStage(node, [...names], stage);
    this.#add(node, {
      names: [...names],
      kind,
      ...(value === undefined ? {} : { value }),
      reassigned: kind !== "const",
      acts: kind === "using" || child(node, "id")?.type !== "Identifier",
      prefix: kind === "const" ? "" : kind,
    });
  }

  #stageParts(value: Node): ReturnType<typeof stageParts> {
    return stageParts(unwrap(value), (name) => this.#pivotLocals.get(name));
  }

  #addStage(node: Node, names: readonly string[], parts: NonNullable<ReturnType<typeof stageParts>>): void {
    const collected = parts.counted.map((each) => usesOf(each));
    const outs: Record<string, OutUnit> = {};
    for (const [name, loader] of parts.outs) {
      outs[name] = {
        hash: hashText(loader === undefined ? "" : canonical(loader)),
        uses: loader === undefined ? [] : usesOf(loader).names,
      };
    }
    this.#units.push({
      names,
      kind: "const",
      hash: hashText(`stage ${parts.counted.map((each) => canonical(each)).join(" ")} ${parts.labels.join(" ")}`),
      uses: collected.flatMap((each) => each.names),
      dynamicImports: collected.flatMap((each) => each.dynamicImports),
      urls: collected.flatMap((each) => each.urls),
      opaque: collected.flatMap((each) => each.opaque),
      acts: false,
      stateful: false,
      ...placeOf(node),
      outs,
    });
  }

  #add(
    node: Node,
    about: {
      readonly names: readonly string[];
      readonly kind: string;
      readonly value?: Node;
      readonly acts?: boolean;
      readonly reassigned?: boolean;
      readonly prefix?: string;
    },
  ): void {
    const uses = usesOf(node);
    const acts = about.acts === true ||
      (about.value !== undefined && !isPure(about.value, (name) => this.#pivotLocals.has(name)));
    const plain = about.value === undefined ? undefined : unwrap(about.value);
    this.#units.push({
      names: about.names,
      kind: about.kind,
      hash: hashText(`${about.prefix ?? ""} ${canonical(node)}`),
      uses: uses.names.filter((use) => !about.names.includes(use.name) || use.effect === "write"),
      dynamicImports: uses.dynamicImports,
      urls: uses.urls,
      opaque: uses.opaque,
      acts,
      stateful: about.reassigned === true || (plain !== undefined && isStateful(plain)),
      ...placeOf(node),
    });
  }
}

function placeOf(node: Node): { line: number; column: number } {
  const start = node.loc?.start;
  return { line: start?.line ?? 1, column: (start?.column ?? 0) + 1 };
}

function isStateful(value: Node): boolean {
  return !/^(StringLiteral|NumericLiteral|BooleanLiteral|NullLiteral|BigIntLiteral|TemplateLiteral|ArrowFunctionExpression|FunctionExpression|FunctionDeclaration|ClassExpression|ClassDeclaration|UnaryExpression|BinaryExpression)$/
    .test(value.type);
}

function importedName(specifier: Node): string {
  if (specifier.type === "ImportDefaultSpecifier") return "default";
  if (specifier.type === "ImportNamespaceSpecifier") return "*";
  const imported = child(specifier, "imported");
  return imported?.type === "StringLiteral" ? text(imported, "value") : text(imported, "name");
}

function attributeOf(node: Node): { as?: string } {
  for (const each of children(node, "attributes")) {
    const key = child(each, "key");
    if (text(key, "name") === "type" || text(key, "value") === "type") {
      return { as: text(child(each, "value"), "value") };
    }
  }
  return {};
}
